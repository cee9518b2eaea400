//! The held events by lock token, with the state of their locks and of their handling. Pure state without I/O.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::lock::Lock;
use super::stats::Age;
use super::{Context, EventDelivery};
use crate::{CloudEvent, ReceivedEvent};

/// An event that was received and has not been settled yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) delivery: Arc<EventDelivery>,
    pub(super) lock: Lock,
    pub(super) stage: Stage,
    /// A settle call for it got no response, so that call may be the reason if the token is reported as lost later.
    pub(super) outcome_unknown: bool,
    lost: watch::Sender<bool>,
    /// Counts the event's age in the statistics for as long as the event is held.
    _age: Option<Age>,
}

/// The progress of an event.
#[derive(Debug)]
pub(super) enum Stage {
    /// The event waits for a handler.
    Waiting,
    /// The event is being handled.
    Handling(AbortHandle),
    /// The event's settlement is known and waits for its settle call.
    Decided,
    /// The settle call is in flight. The lock is not touched, since the call may consume the token at any moment.
    Settling,
}

impl Entry {
    pub(super) fn context(&self) -> Context {
        Context { delivery: Arc::clone(&self.delivery), lost: self.lost.subscribe() }
    }

    pub(super) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// When its lock needs attention. While the event is being settled, only the settle call reports that the lock expired.
    fn due(&self) -> Duration {
        match self.stage {
            Stage::Settling => self.lock.renewal_due(),
            _ => self.lock.due(),
        }
    }

    pub(super) fn has_started(&self) -> bool {
        !matches!(self.stage, Stage::Waiting)
    }
}

/// The held events.
#[derive(Debug)]
pub(super) struct Held {
    entries: HashMap<String, Entry>,
    /// No lock needs attention before this time.
    due: Duration,
}

impl Held {
    pub(super) fn new() -> Self {
        Self { entries: HashMap::new(), due: Duration::MAX }
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
    pub(super) fn insert(&mut self, delivery: EventDelivery, lock: Lock, age: Option<Age>) -> bool {
        if delivery.lock_token.is_empty() || self.entries.contains_key(&delivery.lock_token) {
            return false;
        }
        self.due = self.due.min(lock.due());
        let (token, delivery) = (delivery.lock_token.clone(), Arc::new(delivery));
        let (stage, lost) = (Stage::Waiting, watch::Sender::new(false));
        let entry = Entry { delivery, lock, stage, outcome_unknown: false, lost, _age: age };
        self.entries.insert(token, entry);
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
    pub(super) fn take_renewals(&mut self, now: Duration) -> Vec<String> {
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
    pub(super) fn expired(&self, now: Duration) -> Vec<String> {
        if self.due > now {
            return Vec::new();
        }
        let expired = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.lock.expires_at <= now && !matches!(entry.stage, Stage::Settling));
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
        let entry = self.entries.get_mut(token).filter(|entry| !entry.is_lost())?;
        entry.lock.give_up();
        entry.lost.send_replace(true);
        Some(entry)
    }
}

/// Returns the delivery of a received event.
pub(super) fn delivery(received: &ReceivedEvent) -> EventDelivery {
    let event = received.event.as_ref().ok();
    EventDelivery {
        source: event.map(|event| event.source().to_owned()),
        id: event.map(|event| event.id().to_owned()),
        lock_token: received.lock_token.clone(),
        delivery_count: received.delivery_count,
        trace_context: event.and_then(CloudEvent::trace_context),
    }
}
