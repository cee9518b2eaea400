//! The protocol between the service and a client, and the form of messages in it.

use tokio_tungstenite::tungstenite::Message;

use super::delivery::Data;
use super::frame::{Frame, ServerFrame};
use super::outbox::Closing;
use super::{json_decoding, json_encoding, protobuf_decoding, protobuf_encoding};

const JSON: &str = "json.webpubsub.azure.v1";
const RELIABLE_JSON: &str = "json.reliable.webpubsub.azure.v1";
const PROTOBUF: &str = "protobuf.webpubsub.azure.v1";
const RELIABLE_PROTOBUF: &str = "protobuf.reliable.webpubsub.azure.v1";

/// The protocol of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Protocol {
    /// No envelope: frames are payloads.
    Simple {
        mode: SimpleMode,
        /// A subprotocol of the application, selected by its event handler.
        subprotocol: Option<String>,
    },
    Json,
    ReliableJson,
    Protobuf,
    ReliableProtobuf,
}

/// What the frames of a simple client become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SimpleMode {
    /// The event `message`.
    SendEvent,
    /// A message to this group, which may include the client itself.
    SendToGroup { group: String, no_echo: bool },
}

/// The identity of the client, as determined in the handshake.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) user: Option<String>,
    pub(super) protocol: Protocol,
}

impl Protocol {
    /// The pub/sub protocol with this name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Json, Self::ReliableJson, Self::Protobuf, Self::ReliableProtobuf]
            .into_iter()
            .find(|protocol| protocol.name().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The name of the subprotocol.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Simple { subprotocol, .. } => subprotocol.as_deref(),
            Self::Json => Some(JSON),
            Self::ReliableJson => Some(RELIABLE_JSON),
            Self::Protobuf => Some(PROTOBUF),
            Self::ReliableProtobuf => Some(RELIABLE_PROTOBUF),
        }
    }

    /// Whether a lost socket can be replaced.
    pub(super) fn is_reliable(&self) -> bool {
        matches!(self, Self::ReliableJson | Self::ReliableProtobuf)
    }

    /// Parses a frame of a pub/sub client. Returns `None` for a control frame, and for every frame of a simple client.
    pub(super) fn read(&self, frame: &Message) -> Result<Option<Frame>, Closing> {
        match self {
            Self::Simple { .. } => Ok(None),
            Self::Json | Self::ReliableJson => json_decoding::read(frame),
            Self::Protobuf | Self::ReliableProtobuf => protobuf_decoding::read(frame),
        }
    }

    /// Encodes a frame for the client. A simple client receives only messages, and of a stream only its payloads.
    pub(super) fn encode(&self, frame: &ServerFrame<'_>) -> Option<Message> {
        match (self, frame) {
            (Self::Simple { .. }, ServerFrame::Message { delivery, .. }) => {
                (!delivery.is_bare_end()).then(|| payload(&delivery.payload.data))
            }
            (Self::Simple { .. }, _) => None,
            (Self::Json | Self::ReliableJson, frame) => Some(json_encoding::encode(frame)),
            (Self::Protobuf | Self::ReliableProtobuf, frame) => Some(protobuf_encoding::encode(frame)),
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
