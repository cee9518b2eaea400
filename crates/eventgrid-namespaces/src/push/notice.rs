//! What a webhook reports about events whose delivery did not simply succeed.

use std::fmt;
use std::time::Duration;

use crate::{BoxError, EventDelivery, InvalidEvent, ReleaseDelay};

/// Describes a problem with a pushed event.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// An event cannot be read. The response is 400, unless another event of the batch is retried.
    Unreadable {
        /// Contains the reason.
        error: &'a InvalidEvent,
    },
    /// The data of an event does not match the type of a [`typed`](super::Webhook::typed) handler. The response is 400, unless
    /// another event of the batch is retried.
    DataMismatch {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the reason.
        error: &'a InvalidEvent,
    },
    /// A handler returned an error. The response is 500.
    HandlerFailed {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the handler's error.
        error: &'a BoxError,
    },
    /// A handler panicked. The response is 500.
    HandlerPanicked {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the panic's message.
        message: &'a str,
    },
    /// A handler exceeded the deadline of its request and was dropped. The response is 503.
    DeadlineExceeded {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the deadline.
        deadline: Duration,
    },
    /// A handler released an event with a delay, which has no effect: Event Grid decides when it retries.
    DelayIgnored {
        /// Identifies the event.
        event: &'a EventDelivery,
        /// Contains the delay.
        delay: ReleaseDelay,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataMismatch { event, error } => write!(f, "could not read the data of {event}: {error}"),
            Self::Unreadable { error } => write!(f, "could not read a pushed event: {error}"),
            Self::HandlerFailed { event, error } => write!(f, "the handler of {event} failed: {error}"),
            Self::HandlerPanicked { event, message } => {
                write!(f, "the handler of {event} panicked: {message}")
            }
            Self::DeadlineExceeded { event, deadline } => {
                write!(f, "the handler of {event} exceeded the deadline of {deadline:?}")
            }
            Self::DelayIgnored { event, delay } => {
                write!(
                    f,
                    "the release delay {delay:?} of {event} was ignored: Event Grid decides when it retries"
                )
            }
        }
    }
}
