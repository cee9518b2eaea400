//! What goes wrong in a processor that goes on all the same.

use std::fmt;
use std::time::Duration;

use super::{EventDelivery, Settlement};
use crate::{BoxError, Error, FailedToken, UnreadableEvent};

/// Something that went wrong and did not end the processor.
///
/// `Display` is one line; each notice is also a `tracing` event at level warn.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// No events could be received; the next try comes after `wait`.
    ReceiveFailed {
        /// Why.
        error: &'a Error,
        /// The pause until the next try.
        wait: Duration,
    },
    /// An event came without a lock token, or with one that is held already. It is left to come again.
    NotLocked {
        /// Which.
        event: &'a EventDelivery,
    },
    /// An event cannot be read, and no [`on_poison`](super::ProcessorBuilder::on_poison) decides about it.
    Unreadable {
        /// Which.
        event: &'a EventDelivery,
        /// Why, with its JSON.
        error: &'a UnreadableEvent,
    },
    /// A handler returned an error, or a settlement that the client's api-version cannot carry out.
    HandlerFailed {
        /// Whose.
        event: &'a EventDelivery,
        /// The error.
        error: &'a BoxError,
    },
    /// A handler panicked.
    HandlerPanicked {
        /// Whose.
        event: &'a EventDelivery,
        /// The panic's message.
        message: &'a str,
    },
    /// A handler was stopped because it outlasted the limit of a shutdown; its event is released.
    HandlerAborted {
        /// Whose.
        event: &'a EventDelivery,
    },
    /// Locks could not be renewed this time; it is tried again until they end.
    RenewalFailed {
        /// Why.
        error: &'a Error,
        /// Of how many events.
        events: usize,
    },
    /// An event's lock is lost: it is delivered again, here or elsewhere.
    LockLost {
        /// Which.
        event: &'a EventDelivery,
        /// Whether its handler had begun; if not, it does not begin.
        begun: bool,
    },
    /// A settle call failed; it is repeated after `wait` while the locks hold.
    SettleDelayed {
        /// What was to become of the events.
        settlement: Settlement,
        /// Of how many events.
        events: usize,
        /// Why.
        error: &'a Error,
        /// The pause until the next try.
        wait: Duration,
    },
    /// An event's settlement was refused: the event will be delivered again although it was handled.
    SettleFailed {
        /// Which.
        event: &'a EventDelivery,
        /// What was to become of it.
        settlement: Settlement,
        /// The service's reason.
        reason: &'a FailedToken,
        /// An earlier attempt went no_response, so that it may have settled the event.
        maybe_settled: bool,
    },
    /// An event is left unsettled, because its lock or the limit of a shutdown has ended. It will be delivered again.
    Unsettled {
        /// Which.
        event: &'a EventDelivery,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReceiveFailed { error, wait } => {
                write!(f, "nothing could be received; the next try is in {wait:.1?}: {error}")
            }
            Self::NotLocked { event } => write!(f, "{event} came without a lock of its own"),
            Self::Unreadable { event, error } => write!(f, "{event} cannot be read: {}", error.reason()),
            Self::HandlerFailed { event, error } => write!(f, "the handler of {event} failed: {error}"),
            Self::HandlerPanicked { event, message } => {
                write!(f, "the handler of {event} panicked: {message}")
            }
            Self::HandlerAborted { event } => {
                write!(f, "the handler of {event} was stopped at the limit of the shutdown")
            }
            Self::RenewalFailed { error, events } => {
                write!(f, "the locks of {events} events were not renewed this time: {error}")
            }
            Self::LockLost { event, begun: true } => {
                write!(f, "the lock of {event} was lost while it is handled")
            }
            Self::LockLost { event, begun: false } => {
                write!(f, "the lock of {event} was lost before it was handled")
            }
            Self::SettleDelayed { settlement, events, error, wait } => {
                write!(
                    f,
                    "{events} events could not be settled ({settlement:?}); the next try is in {wait:.1?}: {error}"
                )
            }
            Self::SettleFailed { event, settlement, reason, maybe_settled } => {
                let perhaps = if *maybe_settled { ", unless an earlier attempt did" } else { "" };
                write!(f, "{event} was not settled ({settlement:?}){perhaps}: {reason}")
            }
            Self::Unsettled { event } => write!(f, "{event} is left unsettled"),
        }
    }
}

impl fmt::Display for EventDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, &self.id) {
            (Some(source), Some(id)) => write!(f, "event {id:?} of {source:?}")?,
            _ => f.write_str("an event")?,
        }
        write!(f, " (delivery {})", self.delivery_count)
    }
}
