//! The content of pub/sub frames, independent of their encoding: those from a client, and those to it.

use std::time::Duration;

use super::delivery::{self, Data, Delivery, Payload};
use super::group_state::{Entries, StateItem};
use super::metadata::Metadata;

/// A request of a client.
#[derive(Debug)]
pub(super) enum Frame {
    Ping,
    /// Everything up to this number was received.
    SequenceAck(u64),
    Request {
        ack_id: Option<u64>,
        action: Action,
    },
    Invoke(Invocation),
    /// The client no longer waits for the response to this invocation.
    CancelInvocation(String),
    Stream {
        id: String,
        part: StreamPart,
    },
}

/// A request whose response is correlated by its id (previews, section 2).
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) id: String,
    /// Whether the target is an event, the only kind that exists.
    pub(super) is_event: bool,
    pub(super) event: String,
    pub(super) data: Option<Data>,
    pub(super) metadata: Metadata,
}

/// What a publisher sends for an open stream (previews, section 3.1).
#[derive(Debug)]
pub(super) enum StreamPart {
    Data {
        sequence_id: u64,
        data: Data,
    },
    KeepAlive,
    End {
        error: Option<UserError>,
    },
    /// Only some of the members of a fragment.
    Incomplete,
}

/// The error with which a publisher ends a stream.
#[derive(Debug, Default)]
pub(super) struct UserError {
    pub(super) message: Option<String>,
    pub(super) code: Option<String>,
}

/// The request to open a stream.
#[derive(Debug)]
pub(super) struct StreamStart {
    pub(super) id: String,
    pub(super) group: String,
    pub(super) no_echo: bool,
    /// In milliseconds, as requested.
    pub(super) idle_timeout: Option<u32>,
    /// Whether the frame also contains a payload, which it must not.
    pub(super) has_data: bool,
}

/// An action that is executed once, and acknowledged if the client requests it.
#[derive(Debug)]
pub(super) enum Action {
    Join(String),
    Leave(String),
    Send {
        group: String,
        payload: Payload,
        no_echo: bool,
        time_to_live: Option<Duration>,
    },
    Event {
        name: String,
        payload: Payload,
    },
    StartStream(StreamStart),
    /// Without entries, clears the state.
    SetState {
        group: String,
        entries: Option<Entries>,
    },
    SubscribeState(String),
    UnsubscribeState(String),
}

/// A frame for a client.
#[derive(Debug, Clone, Copy)]
pub(super) enum ServerFrame<'a> {
    Connected {
        connection: &'a str,
        user: Option<&'a str>,
        /// The token with which a client of a reliable protocol recovers the connection.
        reconnection: Option<&'a str>,
    },
    Disconnected {
        reason: Option<&'a str>,
    },
    /// The outcome of the client's request.
    Ack {
        id: u64,
        failure: Option<&'a Failure>,
    },
    Pong,
    Message {
        delivery: &'a Delivery,
        /// Its sequence number on a reliable protocol.
        id: Option<u64>,
    },
    InvokeResponse {
        invocation: &'a str,
        outcome: Result<&'a HandlerResponse, &'a Failure>,
    },
    /// Everything below this number was accepted.
    StreamAck {
        stream: &'a str,
        expected: u64,
    },
    /// A fragment was not accepted. The stream stays open.
    StreamNack {
        stream: &'a str,
        failure: &'a Failure,
        expected: u64,
    },
    StreamClosed {
        stream: &'a str,
        failure: Option<&'a Failure>,
    },
    GroupState {
        kind: StateKind,
        group: &'a str,
        items: &'a [StateItem],
        /// Its sequence number on a reliable protocol.
        id: Option<u64>,
    },
}

/// Which of the two frames with group states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StateKind {
    Snapshot,
    Update,
}

/// The response of an event handler to an event or an invocation.
#[derive(Debug)]
pub(super) struct HandlerResponse {
    pub(super) data: Option<Data>,
    pub(super) metadata: Metadata,
}

impl HandlerResponse {
    pub(super) fn bytes(&self) -> usize {
        self.data.as_ref().map_or(0, Data::bytes)
    }

    /// The message for a client that sent an event. Without data, there is one only if there is metadata.
    pub(super) fn into_message(self) -> Option<Payload> {
        let Self { data, metadata } = self;
        let empty = || (!metadata.is_empty()).then(|| Data::Text(String::new()));
        data.or_else(empty).map(|data| Payload { data, metadata })
    }
}

/// The reason, in its response, why a frame was not executed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) name: &'static str,
    pub(super) message: String,
}

/// Closes the connection: the protocol has no such frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Invalid(pub(super) &'static str);

pub(super) const MISSING_DATA: Invalid = Invalid("data is missing");
pub(super) const UNEXPECTED_STREAM: Invalid = Invalid("only a message to a group can start a stream");

impl Failure {
    pub(super) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }

    /// Without a reason: the response of an event handler is not for clients.
    pub(super) fn internal() -> Self {
        Self::new("InternalServerError", "Internal server error")
    }
}

/// Reads the time to live of a frame.
pub(super) fn time_to_live(seconds: Option<u32>) -> Result<Option<Duration>, Invalid> {
    delivery::time_to_live(seconds.unwrap_or(0)).ok_or(Invalid("ttlSeconds is not within 0 to 300"))
}

/// The payload of a message. Data may be missing only if there is metadata: the message is then an empty text.
pub(super) fn payload(data: Option<Data>, metadata: Option<Metadata>) -> Result<Payload, Invalid> {
    let data = match data {
        None if metadata.is_some() => Data::Text(String::new()),
        data => data.ok_or(MISSING_DATA)?,
    };
    Ok(Payload { data, metadata: metadata.unwrap_or_default() })
}

/// The id of a stream or of an invocation, which must not be empty.
pub(super) fn id(text: String) -> Result<String, Invalid> {
    if text.is_empty() { Err(Invalid("the id is empty")) } else { Ok(text) }
}
