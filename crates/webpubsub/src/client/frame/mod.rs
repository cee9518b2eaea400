//! The frames of the pub/sub subprotocols as values (client protocols, sections 3 to 5). The codecs encode and decode them, so
//! that the session does not depend on a wire format.

#[cfg(feature = "preview")]
pub(super) mod preview;

use service_core::Secret;

use super::data::Data;
use super::entries::Entries;
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
        metadata: Option<&'a Entries>,
    },
    Event {
        name: &'a str,
        ack_id: Option<u64>,
        data: &'a Data,
        metadata: Option<&'a Entries>,
    },
    SequenceAck(u64),
    Ping,
    #[cfg(feature = "preview")]
    Preview(preview::Upstream<'a>),
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
        rejection: Option<Rejection>,
    },
    Pong,
    #[cfg(feature = "preview")]
    Preview(preview::Downstream),
    /// A frame that this client does not support. It must still be acknowledged if it has a sequence id.
    Skipped {
        sequence_id: Option<u64>,
        why: &'static str,
    },
}

/// The service confirms a connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Connected {
    pub(super) connection_id: String,
    pub(super) user_id: Option<String>,
    pub(super) reconnection_token: Option<Token>,
}

/// A reconnection token, valid for one connection.
#[derive(Debug, Clone)]
pub(super) struct Token(pub(super) Secret);

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

/// A message from a group or from the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    Group(GroupMessage),
    Server(ServerMessage),
}

/// The error in a negative acknowledgment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rejection {
    pub(super) name: String,
    pub(super) message: String,
}

impl Rejection {
    /// Returns whether the service had already processed the frame, and the first acknowledgment was lost (section 6).
    pub(super) fn is_duplicate(&self) -> bool {
        self.name == "Duplicate"
    }
}
