//! The frames of the service's preview features (previews, sections 2 to 4): invocations, streams, and states of groups.

use super::Rejection;
use crate::client::data::Data;
use crate::client::entries::Entries;

/// A frame to the service.
#[derive(Debug, Clone, Copy)]
pub(in crate::client) enum Upstream<'a> {
    Invoke {
        id: &'a str,
        event: &'a str,
        data: Option<&'a Data>,
        metadata: Option<&'a Entries>,
    },
    CancelInvocation {
        id: &'a str,
    },
    StreamStart {
        group: &'a str,
        no_echo: bool,
        id: &'a str,
        idle_timeout_ms: Option<u32>,
    },
    StreamData {
        id: &'a str,
        /// Starts at 1.
        sequence_id: u64,
        data: &'a Data,
    },
    StreamKeepAlive {
        id: &'a str,
    },
    StreamEnd {
        id: &'a str,
        error: Option<StreamEndError<'a>>,
    },
    SetGroupState {
        group: &'a str,
        ack_id: Option<u64>,
        /// `None` clears the state.
        state: Option<&'a Entries>,
    },
    SubscribeGroupState {
        group: &'a str,
        ack_id: Option<u64>,
    },
    UnsubscribeGroupState {
        group: &'a str,
        ack_id: Option<u64>,
    },
}

/// The reason for which the sender aborts a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::client) struct StreamEndError<'a> {
    pub(in crate::client) message: Option<&'a str>,
    pub(in crate::client) code: Option<&'a str>,
}

/// A frame from the service.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::client) enum Downstream {
    InvokeResponse {
        id: String,
        outcome: Result<Option<Data>, InvokeFailure>,
        metadata: Option<Box<Entries>>,
    },
    StreamAck {
        id: String,
        /// All parts below this one are accepted.
        expected: u64,
    },
    StreamNack {
        id: String,
        rejection: Rejection,
        /// The part from which the sender has to resend.
        expected: u64,
    },
    StreamClosed {
        id: String,
        rejection: Option<Rejection>,
    },
    GroupStates {
        group: String,
        is_snapshot: bool,
        items: Vec<GroupStateItem>,
        sequence_id: Option<u64>,
    },
}

/// The reason why an invocation has no response.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::client) enum InvokeFailure {
    Rejected(Rejection),
    /// The response cannot be read.
    Unreadable(&'static str),
}

/// The state of one connection in a group.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::client) struct GroupStateItem {
    pub(in crate::client) connection_id: String,
    pub(in crate::client) user_id: Option<String>,
    /// `None` if the state was cleared. An empty one is a state.
    pub(in crate::client) state: Option<Entries>,
    /// In milliseconds since the Unix epoch.
    pub(in crate::client) updated_at: i64,
}
