//! The held events by lock token, with the state of their locks and of their handling. Pure state without I/O.

use std::collections::{HashMap, hash_map};
use std::time::Duration;

use super::EventDelivery;
use super::lock::Lock;
use super::stats::Age;
use super::token::{Stage, Token};
use crate::token_hash::TokenHash;
use crate::{CloudEvent, ReceivedEvent};

/// An event that was received and has not been settled yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) token: Token,
    pub(super) lock: Lock,
    /// A settle call for it got no response, so that call may be the reason if the token is reported as lost later.
    pub(super) outcome_unknown: bool,
    /// Counts the event's age in the statistics for as long as the event is held.
    _age: Option<Age>,
}

impl Entry {
    /// When its lock needs attention. While the event is being settled, only the settle call reports that the lock expired.
    fn due(&self) -> Duration {
        match self.token.stage() {
            Stage::Settling => self.lock.renewal_due(),
            _ => self.lock.due(),
        }
    }
}

/// The held events.
#[derive(Debug)]
pub(super) struct Held {
    entries: HashMap<Token, Entry, TokenHash>,
    /// No lock needs attention before this time.
    due: Duration,
}

impl Held {
    pub(super) fn new() -> Self {
        Self { entries: HashMap::default(), due: Duration::MAX }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn due(&self) -> Duration {
        self.due
    }

    /// Adds an event. Returns `false` if it has no lock token or one that is already held.
    pub(super) fn insert(&mut self, token: Token, lock: Lock, age: Option<Age>) -> bool {
        if token.as_str().is_empty() {
            return false;
        }
        let vacant = match self.entries.entry(token.clone()) {
            hash_map::Entry::Vacant(vacant) => vacant,
            hash_map::Entry::Occupied(_) => return false,
        };
        self.due = self.due.min(lock.due());
        vacant.insert(Entry { token, lock, outcome_unknown: false, _age: age });
        true
    }

    pub(super) fn get(&mut self, token: &str) -> Option<&mut Entry> {
        self.entries.get_mut(token)
    }

    /// Removes an event.
    pub(super) fn remove(&mut self, token: &str) -> Option<Entry> {
        self.entries.remove(token)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Returns the tokens to renew now.
    pub(super) fn take_renewals(&mut self, now: Duration) -> Vec<Token> {
        if self.due > now {
            return Vec::new();
        }
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.lock.needs_renewal(now));
        let renewing = due.map(|(token, entry)| {
            entry.lock.renewing();
            token.clone()
        });
        let tokens = renewing.collect();
        self.update_due();
        tokens
    }

    /// Returns the tokens whose locks have expired, except those of settle calls in flight, which report that themselves.
    pub(super) fn expired(&self, now: Duration) -> Vec<Token> {
        if self.due > now {
            return Vec::new();
        }
        let expired = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.lock.expires_at <= now && entry.token.stage() != Stage::Settling);
        expired.map(|(token, _)| token.clone()).collect()
    }

    /// Recomputes when the next lock needs attention.
    fn update_due(&mut self) {
        self.due = self.entries.values().map(Entry::due).min().unwrap_or(Duration::MAX);
    }

    /// Notes that a lock changed and may now be the first to need attention.
    pub(super) fn track_due(&mut self, token: &str) {
        if let Some(entry) = self.entries.get(token) {
            self.due = self.due.min(entry.due());
        }
    }

    /// Marks a lock as lost and notifies its handler. The lock needs no further attention. Returns `None` if it is lost already.
    pub(super) fn lose(&mut self, token: &str) -> Option<&Entry> {
        let entry = self.entries.get_mut(token).filter(|entry| !entry.token.is_lost())?;
        entry.lock.give_up();
        entry.token.lose();
        Some(entry)
    }
}

/// Returns the delivery of a received event, from which it takes the lock token.
pub(super) fn delivery(received: &mut ReceivedEvent) -> EventDelivery {
    let event = received.event.as_ref().ok();
    EventDelivery {
        source: event.map(|event| event.source().to_owned()),
        id: event.map(|event| event.id().to_owned()),
        lock_token: std::mem::take(&mut received.lock_token),
        delivery_count: received.delivery_count,
        trace_context: event.and_then(CloudEvent::trace_context),
    }
}
