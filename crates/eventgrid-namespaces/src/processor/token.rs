//! The token of a held event: its delivery and whether its lock is lost, shared by the run, the event's handler, and the calls
//! that settle it.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::Notify;

use super::EventDelivery;

/// Identifies a held event. Equals and hashes as its lock token.
#[derive(Debug, Clone)]
pub(super) struct Token(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    delivery: EventDelivery,
    stage: AtomicU8,
    lost: AtomicBool,
    /// Wakes those who wait for the lock to be lost.
    losing: Notify,
}

/// The progress of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// The event waits for a handler, or is being handled.
    Unsettled,
    /// The event's settlement is known and waits for its settle call.
    Decided,
    /// The settle call is in flight. The lock is not touched, since the call may consume the token at any moment.
    Settling,
}

impl Token {
    pub(super) fn new(delivery: EventDelivery) -> Self {
        let (stage, lost) = (AtomicU8::new(Stage::Unsettled as u8), AtomicBool::new(false));
        Self(Arc::new(Shared { delivery, stage, lost, losing: Notify::new() }))
    }

    /// Returns the event's progress, which only the run reads and changes.
    pub(super) fn stage(&self) -> Stage {
        [Stage::Unsettled, Stage::Decided]
            .into_iter()
            .find(|stage| *stage as u8 == self.0.stage.load(Ordering::Relaxed))
            .unwrap_or(Stage::Settling)
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.0.stage.store(stage as u8, Ordering::Relaxed);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0.delivery.lock_token
    }

    pub(super) fn delivery(&self) -> &EventDelivery {
        &self.0.delivery
    }

    pub(super) fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Acquire)
    }

    /// Notifies the handler that the lock is lost.
    pub(super) fn lose(&self) {
        self.0.lost.store(true, Ordering::Release);
        self.0.losing.notify_waiters();
    }

    /// Returns when the lock is lost.
    pub(super) async fn lost(&self) {
        // Created before the check, so that no notification is missed.
        let losing = self.0.losing.notified();
        if !self.is_lost() {
            losing.await;
        }
    }
}

impl Borrow<str> for Token {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Token {}
