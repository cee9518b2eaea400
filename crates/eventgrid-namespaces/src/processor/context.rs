//! What a handler is told besides its event: which delivery it is, and whether its lock still holds.

use std::sync::Arc;

use tokio::sync::watch;

/// One delivery of an event to this processor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventDelivery {
    /// Where the event comes from, unless it cannot be read.
    pub source: Option<String>,
    /// The event's id within its source, unless it cannot be read.
    pub id: Option<String>,
    /// What it is settled with; the processor does that.
    pub lock_token: String,
    /// How often the event was delivered, this time included.
    pub delivery_count: u32,
}

/// What a handler is told besides its event.
#[derive(Debug, Clone)]
pub struct Context {
    pub(super) delivery: Arc<EventDelivery>,
    pub(super) lost: watch::Receiver<bool>,
}

impl Context {
    /// How often the event was delivered, this time included: 1 at first.
    #[must_use]
    pub fn delivery_count(&self) -> u32 {
        self.delivery.delivery_count
    }

    /// Which delivery this is.
    #[must_use]
    pub fn delivery(&self) -> &EventDelivery {
        &self.delivery
    }

    /// Whether the event's lock is lost: it may be handled elsewhere already, and this handler's settlement will hardly count.
    #[must_use]
    pub fn is_lock_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Returns once the event's lock is lost, and never if that does not happen. A handler that cannot be undone later may
    /// race its work against this.
    pub async fn lock_lost(&self) {
        // The other end goes with the event; from then on nothing can be lost any more.
        if self.lost.clone().wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
