//! The events in hand, by lock token: who they are, how their locks stand, and how far they are. Pure state; it sends nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::lock::Lock;
use super::{Context, EventDelivery};
use crate::ReceivedEvent;

/// An event that was received and not settled yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) delivery: Arc<EventDelivery>,
    pub(super) lock: Lock,
    pub(super) stage: Stage,
    /// A settle call for it ended without an answer: a token that is lost then may be lost by that call.
    pub(super) unsure: bool,
    lost: watch::Sender<bool>,
}

/// How far an event is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Waits for a handler.
    Waiting,
    /// Is handled.
    Handling(AbortHandle),
    /// Is decided, and waits for its settle call.
    Decided,
    /// Its settle call is on its way: its lock is left alone, since the token may be used up at any moment.
    Settling,
}

impl Entry {
    pub(super) fn context(&self) -> Context {
        Context { delivery: Arc::clone(&self.delivery), lost: self.lost.subscribe() }
    }

    pub(super) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// When its lock needs something. The end of one that is being settled is the settle call's to tell.
    fn due(&self) -> Duration {
        match self.stage {
            Stage::Settling => self.lock.renewal_due(),
            _ => self.lock.due(),
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.stage, Stage::Waiting)
    }
}

/// The events in hand.
#[derive(Debug)]
pub(super) struct Held {
    entries: HashMap<String, Entry>,
    /// No lock needs anything before this.
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

    /// Takes an event in hand; `false` where it has no lock token, or one that is in hand already.
    pub(super) fn insert(&mut self, delivery: EventDelivery, lock: Lock) -> bool {
        if delivery.lock_token.is_empty() || self.entries.contains_key(&delivery.lock_token) {
            return false;
        }
        self.due = self.due.min(lock.due());
        let (token, delivery) = (delivery.lock_token.clone(), Arc::new(delivery));
        let (stage, lost) = (Stage::Waiting, watch::Sender::new(false));
        self.entries.insert(token, Entry { delivery, lock, stage, unsure: false, lost });
        true
    }

    pub(super) fn get(&mut self, token: &str) -> Option<&mut Entry> {
        self.entries.get_mut(token)
    }

    /// Lets an event out of hand.
    pub(super) fn remove(&mut self, token: &str) -> Option<Entry> {
        self.entries.remove(token)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The tokens that are to be renewed now.
    pub(super) fn take_renewals(&mut self, now: Duration) -> Vec<String> {
        if self.due > now {
            return Vec::new();
        }
        let wanting = self.entries.iter_mut().filter(|(_, entry)| entry.lock.wants_renewal(now));
        let renewing = wanting.map(|(token, entry)| {
            entry.lock.renewing();
            token.clone()
        });
        let tokens = renewing.collect();
        self.look_ahead();
        tokens
    }

    /// The tokens whose locks have ended by now. Those of a settle call on its way are that call's to tell.
    pub(super) fn ended(&self, now: Duration) -> Vec<String> {
        if self.due > now {
            return Vec::new();
        }
        let ended = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.lock.ends <= now && !matches!(entry.stage, Stage::Settling));
        ended.map(|(token, _)| token.clone()).collect()
    }

    /// Works out anew when the next lock needs something.
    fn look_ahead(&mut self) {
        self.due = self.entries.values().map(Entry::due).min().unwrap_or(Duration::MAX);
    }

    /// A lock changed, so that it may need something sooner than all others.
    pub(super) fn mind(&mut self, token: &str) {
        if let Some(entry) = self.entries.get(token) {
            self.due = self.due.min(entry.due());
        }
    }

    /// A lock is lost: its handler is told, and it needs nothing any more.
    pub(super) fn lose(&mut self, token: &str) -> Option<&Entry> {
        let entry = self.entries.get_mut(token)?;
        entry.lock.give_up();
        entry.lost.send_replace(true);
        Some(entry)
    }
}

/// Which delivery a received event is.
pub(super) fn delivery(received: &ReceivedEvent) -> EventDelivery {
    let event = received.event.as_ref().ok();
    EventDelivery {
        source: event.map(|event| event.source().to_owned()),
        id: event.map(|event| event.id().to_owned()),
        lock_token: received.lock_token.clone(),
        delivery_count: received.delivery_count,
    }
}
