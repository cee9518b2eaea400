//! The frames of the pub/sub subprotocols as values (client protocols, sections 3 to 5): what the codecs write and read,
//! and all that the session knows of the wire.

use service_core::Secret;

use super::data::Data;
use super::event::{GroupMessage, ServerMessage};

/// A frame to the service.
#[derive(Debug, Clone, Copy)]
pub(super) enum Upstream<'a> {
    JoinGroup {
        group: &'a str,
        ack_id: Option<u64>,
    },
    LeaveGroup {
        group: &'a str,
        ack_id: Option<u64>,
    },
    SendToGroup {
        group: &'a str,
        ack_id: Option<u64>,
        no_echo: bool,
        ttl_seconds: Option<u16>,
        data: &'a Data,
    },
    Event {
        name: &'a str,
        ack_id: Option<u64>,
        data: &'a Data,
    },
    SequenceAck(u64),
    Ping,
}

/// A frame from the service.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Downstream {
    Connected(Connected),
    Disconnected {
        reason: Option<String>,
    },
    Message {
        sequence_id: Option<u64>,
        message: Incoming,
    },
    Ack {
        id: u64,
        refusal: Option<Refusal>,
    },
    Pong,
    /// Nothing that this client knows. With a sequence id it still has to be acknowledged.
    Skipped {
        sequence_id: Option<u64>,
        why: &'static str,
    },
}

/// What the service says once a connection is made.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Connected {
    pub(super) connection_id: String,
    pub(super) user_id: Option<String>,
    pub(super) reconnection_token: Option<Token>,
}

/// A reconnection token, good for one connection.
#[derive(Debug, Clone)]
pub(super) struct Token(pub(super) Secret);

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

/// A message of the one kind or the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    Group(GroupMessage),
    Server(ServerMessage),
}

/// Why the service did not do what a frame asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Refusal {
    pub(super) name: String,
    pub(super) message: String,
}

impl Refusal {
    /// The frame had been carried out before: its first answer was lost (section 6).
    pub(super) fn is_duplicate(&self) -> bool {
        self.name == "Duplicate"
    }
}
