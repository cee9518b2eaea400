//! How the service talks with a client: the protocol it chose, and how messages look in it.

use tokio_tungstenite::tungstenite::Message;

use super::delivery::{Data, Delivery};
use super::json_protocol;

pub(super) const JSON: &str = "json.webpubsub.azure.v1";
pub(super) const RELIABLE_JSON: &str = "json.reliable.webpubsub.azure.v1";

/// The protocol of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Protocol {
    /// No envelope: frames are payloads.
    Simple {
        mode: SimpleMode,
    },
    Json,
    ReliableJson,
}

/// What a simple client's frames become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SimpleMode {
    /// The event `message`.
    SendEvent,
    /// A message to this group.
    SendToGroup(String),
}

/// Who is connected: what the handshake found out.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) user: Option<String>,
    pub(super) protocol: Protocol,
}

impl Protocol {
    /// The subprotocol's name.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self {
            Self::Simple { .. } => None,
            Self::Json => Some(JSON),
            Self::ReliableJson => Some(RELIABLE_JSON),
        }
    }

    /// Whether a lost socket can be replaced.
    pub(super) fn is_reliable(&self) -> bool {
        *self == Self::ReliableJson
    }

    /// The frame in which a message reaches the client, with its number on a reliable protocol.
    pub(super) fn encode(&self, delivery: &Delivery, id: Option<u64>) -> Message {
        match (self, &delivery.data) {
            (Self::Json | Self::ReliableJson, _) => Message::text(json_protocol::message(delivery, id)),
            (Self::Simple { .. }, Data::Text(text)) => Message::text(text),
            (Self::Simple { .. }, Data::Json(json)) => Message::text(json.get()),
            (Self::Simple { .. }, Data::Binary(bytes) | Data::Protobuf(bytes)) => {
                Message::binary(bytes.clone())
            }
        }
    }
}
