//! One request of the program, from its frame to its outcome.

use std::sync::Arc;
use std::time::Duration;

use service_core::{Delivery, Error, ErrorKind, Result};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

#[cfg(feature = "preview")]
use super::states::{OwnState, Restored};
use crate::client::frame::Rejection;
#[cfg(feature = "preview")]
use crate::client::group_state;
#[cfg(feature = "preview")]
use crate::client::invoke::InvokeResponse;
#[cfg(feature = "preview")]
use crate::client::streams::Accepting;
use crate::client::subscription::Buffer;

#[derive(Debug)]
pub(crate) struct Op {
    /// The name of the operation in the protocol.
    pub(crate) name: &'static str,
    /// The id under which the service processes the request once; `None` if it is not acknowledged.
    pub(crate) ack_id: Option<u64>,
    pub(crate) frame: Message,
    pub(crate) effect: Effect,
    pub(crate) timeout: Duration,
    /// The end of the timeout, which starts when the caller awaits the request.
    pub(crate) deadline: Duration,
    /// Whether the frame was written on the current connection.
    pub(crate) written: bool,
    /// Whether the frame was written since the connection was last recovered.
    pub(crate) in_flight: bool,
    /// How often the service closed the connection while this was the oldest request in flight.
    pub(crate) closes: u8,
    pub(crate) done: Done,
}

/// The effect of a request on the client's groups.
#[derive(Debug)]
pub(crate) enum Effect {
    None,
    Join(String),
    /// Joins a group, whose messages this buffer receives from then on.
    Subscribe(String, Arc<Buffer>),
    Leave(String),
    #[cfg(feature = "preview")]
    SetState(Box<OwnState>),
    /// Follows the states of a group, which this buffer receives from then on.
    #[cfg(feature = "preview")]
    FollowStates(String, Arc<group_state::Buffer>),
    /// Joins a group, whose streams this subscription receives from then on.
    #[cfg(feature = "preview")]
    ReceiveStreams(String, Arc<Accepting>),
}

/// The receiver of the outcome.
#[derive(Debug)]
pub(crate) enum Done {
    /// Receives whether the service had processed the request before.
    Caller(oneshot::Sender<Result<bool>>),
    Rejoin(String),
    #[cfg(feature = "preview")]
    Restored(Restored),
    #[cfg(feature = "preview")]
    Invocation(oneshot::Sender<Result<InvokeResponse>>),
}

impl Op {
    /// Creates the join of a group that an earlier connection was in.
    pub(super) fn rejoin(group: String, id: u64, frame: Message, timeout: Duration, now: Duration) -> Self {
        Self {
            name: "joinGroup",
            ack_id: Some(id),
            frame,
            effect: Effect::None,
            timeout,
            deadline: now.saturating_add(timeout),
            written: false,
            in_flight: false,
            closes: 0,
            done: Done::Rejoin(group),
        }
    }

    /// Returns whether a new connection sent this to restore what the one before had, such as a membership.
    pub(super) fn is_rejoin(&self) -> bool {
        match self.done {
            Done::Caller(_) => false,
            Done::Rejoin(_) => true,
            #[cfg(feature = "preview")]
            Done::Restored(_) => true,
            #[cfg(feature = "preview")]
            Done::Invocation(_) => false,
        }
    }

    /// Returns whether this is an invocation, to which the service sends a response instead of an acknowledgment.
    pub(super) fn is_invocation(&self) -> bool {
        self.name == "invoke"
    }

    /// Returns whether the caller has stopped waiting.
    pub(super) fn is_abandoned(&self) -> bool {
        match &self.done {
            Done::Caller(sender) => sender.is_closed(),
            Done::Rejoin(_) => false,
            #[cfg(feature = "preview")]
            Done::Restored(_) => false,
            #[cfg(feature = "preview")]
            Done::Invocation(sender) => sender.is_closed(),
        }
    }

    pub(super) fn rejected(&self, rejection: Rejection) -> Error {
        let code = if rejection.name.is_empty() { "Failed".to_owned() } else { rejection.name };
        self.error(ErrorKind::Service, rejection.message, Delivery::Responded).with_code(code)
    }

    pub(super) fn lost(&self, is_behind: bool) -> Error {
        let text = match self.ack_id {
            _ if self.is_invocation() => "the connection was lost before the response arrived",
            Some(_) => {
                "the connection was lost before the request was acknowledged and could not be recovered"
            }
            None => "the connection was lost while the request was being written",
        };
        self.error(ErrorKind::Transport, with_cause(text, is_behind), Delivery::Unknown)
    }

    /// Returns the error for a request that timed out. `pending` requests wait for their outcomes on an established
    /// connection; it is `None` without one.
    pub(super) fn expired(&self, pending: Option<usize>, is_behind: bool) -> Error {
        let limit = self.timeout;
        let (text, delivery) = match (self.written, self.ack_id, pending) {
            (true, _, _) if self.is_invocation() => {
                (format!("no response received within {limit:?}"), Delivery::Unknown)
            }
            (true, Some(_), _) => (format!("no acknowledgment received within {limit:?}"), Delivery::Unknown),
            (true, None, _) => (format!("not written completely within {limit:?}"), Delivery::Unknown),
            (false, _, Some(pending)) => {
                let sends = if pending == 1 { "send is" } else { "sends are" };
                let text = format!("not sent within {limit:?}: {pending} {sends} in flight");
                (text, Delivery::NotSent)
            }
            (false, _, None) => {
                (format!("no connection became available within {limit:?}"), Delivery::NotSent)
            }
        };
        self.error(ErrorKind::Timeout, with_cause(&text, is_behind), delivery)
    }

    /// Returns the error for a request after which the service closes the connection, so that it is not resent. Another
    /// request may be the cause, so the outcome counts as unknown.
    pub(super) fn blamed(&self, code: u16, reason: &str) -> Error {
        let text = format!("the service closed the connection after this request: {reason}");
        self.error(ErrorKind::Service, text, Delivery::Unknown).with_code(code.to_string())
    }

    /// Returns the error for a request with the ack id of another one that is in flight.
    pub(super) fn id_in_use(&self) -> Error {
        let id = self.ack_id.unwrap_or_default().to_string();
        Error::invalid_input("ack id", "must not be that of another send in flight", Some(&id))
            .with_operation(self.name)
    }

    pub(crate) fn closed(name: &'static str, written: bool) -> Error {
        let (text, delivery) = match written {
            true => ("the client was closed before the request was acknowledged", Delivery::Unknown),
            false => ("the client is closed", Delivery::NotSent),
        };
        Error::new(ErrorKind::Transport, text).with_operation(name).with_delivery(delivery)
    }

    /// Returns the error for a request that the client's task did not handle in time.
    pub(crate) fn stalled(name: &'static str, limit: Duration) -> Error {
        let text = format!("the runtime on which the client was connected did not run for {limit:?}");
        Error::new(ErrorKind::Timeout, text).with_operation(name).with_delivery(Delivery::Unknown)
    }

    fn error(&self, kind: ErrorKind, text: impl Into<String>, delivery: Delivery) -> Error {
        Error::new(kind, text).with_operation(self.name).with_delivery(delivery)
    }
}

/// Adds a cause that the program can remove. The service closes a connection whose messages are not received.
fn with_cause(text: &str, is_behind: bool) -> String {
    let cause = if is_behind { "; the program does not receive its events" } else { "" };
    format!("{text}{cause}")
}
