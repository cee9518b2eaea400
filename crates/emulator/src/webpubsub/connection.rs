//! How the service talks with a client: the protocol it chose, and how messages look in it.

use tokio_tungstenite::tungstenite::Message;

use super::delivery::Data;
use super::frame::{Frame, Told};
use super::json_protocol;
use super::outbox::Closing;

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

    /// Reads a pub/sub client's frame; `None` for a control frame, and for every frame of a simple client.
    pub(super) fn read(&self, frame: &Message) -> Result<Option<Frame>, Closing> {
        match self {
            Self::Simple { .. } => Ok(None),
            Self::Json | Self::ReliableJson => json_protocol::read(frame),
        }
    }

    /// The frame in which a client is told this; a simple one hears of messages alone.
    pub(super) fn tell(&self, told: &Told<'_>) -> Option<Message> {
        match (self, told) {
            (Self::Simple { .. }, Told::Message { delivery, .. }) => Some(payload(&delivery.data)),
            (Self::Simple { .. }, _) => None,
            (Self::Json | Self::ReliableJson, told) => Some(json_protocol::tell(told)),
        }
    }
}

fn payload(data: &Data) -> Message {
    match data {
        Data::Text(text) => Message::text(text),
        Data::Json(json) => Message::text(json.get()),
        Data::Binary(bytes) | Data::Protobuf(bytes) => Message::binary(bytes.clone()),
    }
}
