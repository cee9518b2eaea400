//! What a handler receives in addition to its event: the delivery, and whether its lock is still held.

use service_core::TraceContext;

use super::token::Token;

/// Identifies one delivery of an event to this processor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventDelivery {
    /// Contains the event's source, or `None` if the event cannot be read.
    pub source: Option<String>,
    /// Contains the event's id within its source, or `None` if the event cannot be read.
    pub id: Option<String>,
    /// Contains the lock token, with which the processor settles the event.
    pub lock_token: String,
    /// Counts the deliveries of the event, including this one.
    pub delivery_count: u32,
    /// Contains the trace context that the event carries.
    pub trace_context: Option<TraceContext>,
}

/// A handle that gives a handler information about its event's delivery and lock.
#[derive(Debug, Clone)]
pub struct Context {
    pub(super) token: Token,
}

impl Context {
    /// Creates the context of a delivery that has no lock.
    #[cfg(feature = "push")]
    pub(crate) fn pushed(delivery: EventDelivery) -> Self {
        Self { token: Token::new(delivery) }
    }

    /// Returns the trace context that the event carries, which identifies the span that produced it.
    #[must_use]
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.delivery().trace_context.as_ref()
    }

    /// Returns how often the event was delivered, including this time, starting at 1.
    #[must_use]
    pub fn delivery_count(&self) -> u32 {
        self.delivery().delivery_count
    }

    /// Returns the delivery that is being handled.
    #[must_use]
    pub fn delivery(&self) -> &EventDelivery {
        self.token.delivery()
    }

    /// Returns `true` if the event's lock is lost.
    ///
    /// The event may then already be handled elsewhere, and this handler's settlement is unlikely to take effect.
    #[must_use]
    pub fn is_lock_lost(&self) -> bool {
        self.token.is_lost()
    }

    /// Waits until the event's lock is lost. Never returns if the lock is kept.
    ///
    /// Cancel safe. A handler whose effects cannot be undone can use it in `tokio::select!` to stop early.
    pub async fn lock_lost(&self) {
        self.token.lost().await;
    }
}
