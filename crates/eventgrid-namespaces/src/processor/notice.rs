//! Problems that a processor reports without ending.

use std::fmt;
use std::time::Duration;

use super::{EventDelivery, Settlement};
use crate::{BoxError, Error, FailedToken, UnreadableEvent};

/// Reports a problem that did not end the processor.
///
/// `Display` writes one line. Each notice is also a `tracing` event at level WARN.
///
/// # Examples
///
/// ```
/// use eventgrid_namespaces::{Notice, ProcessorBuilder};
///
/// fn count_lost_locks(builder: ProcessorBuilder) -> ProcessorBuilder {
///     builder.on_notice(|notice| match notice {
///         Notice::LockLost { event, started, .. } => {
///             println!("delivery {} lost its lock (started: {started})", event.delivery_count);
///         }
///         other => println!("{other}"),
///     })
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A receive call failed. It is retried after `wait`.
    #[non_exhaustive]
    ReceiveFailed {
        /// Contains the error.
        error: &'a Error,
        /// Contains the pause until the next attempt.
        wait: Duration,
    },
    /// An event was received without a lock token, or with one that is already held. It is ignored and will be delivered again.
    #[non_exhaustive]
    NotLocked {
        /// Identifies the event.
        event: &'a EventDelivery,
    },
    /// An event cannot be read, and [`on_poison`](super::ProcessorBuilder::on_poison) is not set.
    #[non_exhaustive]
    Unreadable {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the reason and the event's JSON.
        error: &'a UnreadableEvent,
    },
    /// A handler returned an error, or a settlement that the client's api-version does not support.
    #[non_exhaustive]
    HandlerFailed {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the error.
        error: &'a BoxError,
    },
    /// A handler panicked.
    #[non_exhaustive]
    HandlerPanicked {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the panic's message.
        message: &'a str,
    },
    /// A handler was aborted because it exceeded the shutdown timeout. Its event is released.
    #[non_exhaustive]
    HandlerAborted {
        /// Identifies the event.
        event: &'a EventDelivery,
    },
    /// Locks could not be renewed. The renewal is retried until they expire.
    #[non_exhaustive]
    RenewalFailed {
        /// Contains the error.
        error: &'a Error,
        /// Counts the affected events.
        events: usize,
    },
    /// An event's lock was lost. The event will be delivered again, here or elsewhere.
    #[non_exhaustive]
    LockLost {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Is `true` if the event's handler has started. Otherwise, it is not started.
        started: bool,
    },
    /// A settle call failed. It is retried after `wait` as long as the locks are held.
    #[non_exhaustive]
    SettleDelayed {
        /// Contains the intended settlement.
        settlement: Settlement,
        /// Counts the affected events.
        events: usize,
        /// Contains the error.
        error: &'a Error,
        /// Contains the pause until the next attempt.
        wait: Duration,
    },
    /// The service rejected an event's settlement. The event will be delivered again although it was handled.
    #[non_exhaustive]
    SettleFailed {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the intended settlement.
        settlement: Settlement,
        /// Contains the service's reason.
        reason: &'a FailedToken,
        /// Is `true` if an earlier attempt got no response, so that it may have settled the event.
        maybe_settled: bool,
    },
    /// An event was left unsettled, because its lock was lost, its settlement was rejected, or the time for the shutdown
    /// ran out. It will be delivered again.
    #[non_exhaustive]
    Unsettled {
        /// Identifies the event.
        event: &'a EventDelivery,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReceiveFailed { error, wait } => {
                write!(f, "could not receive events; next attempt in {wait:.1?}: {error}")
            }
            Self::NotLocked { event } => write!(f, "{event} was received without a lock of its own"),
            Self::Unreadable { event, error } => write!(f, "{event} cannot be read: {}", error.reason()),
            Self::HandlerFailed { event, error } => write!(f, "the handler of {event} failed: {error}"),
            Self::HandlerPanicked { event, message } => {
                write!(f, "the handler of {event} panicked: {message}")
            }
            Self::HandlerAborted { event } => {
                write!(f, "the handler of {event} was aborted at the shutdown timeout")
            }
            Self::RenewalFailed { error, events } => {
                write!(f, "could not renew the locks of {}: {error}", counted(*events))
            }
            Self::LockLost { event, started: true } => {
                write!(f, "the lock of {event} was lost while it was being handled")
            }
            Self::LockLost { event, started: false } => {
                write!(f, "the lock of {event} was lost before it was handled")
            }
            Self::SettleDelayed { settlement, events, error, wait } => {
                let events = counted(*events);
                write!(f, "could not settle {events} ({settlement:?}); next attempt in {wait:.1?}: {error}")
            }
            Self::SettleFailed { event, settlement, reason, maybe_settled } => {
                let unless = if *maybe_settled { ", unless an earlier attempt settled it" } else { "" };
                write!(f, "{event} was not settled ({settlement:?}){unless}: {reason}")
            }
            Self::Unsettled { event } => write!(f, "{event} was left unsettled"),
        }
    }
}

impl fmt::Display for EventDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, &self.id) {
            (Some(source), Some(id)) => write!(f, "event {id:?} from {source:?}")?,
            _ => f.write_str("an unreadable event")?,
        }
        write!(f, " (delivery {})", self.delivery_count)
    }
}

fn counted(events: usize) -> String {
    if events == 1 { "1 event".to_owned() } else { format!("{events} events") }
}
