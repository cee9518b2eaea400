//! The four subprotocols: their names, and how frames become WebSocket messages and values again. Nothing here fails on
//! what comes from the wire: what cannot be read is a frame to skip.

mod json;
#[cfg(feature = "protobuf")]
mod protobuf;
#[cfg(test)]
mod tests;

use tokio_tungstenite::tungstenite::Message;

use super::frame::{Downstream, Upstream};

/// How a client and the service speak.
///
/// The reliable subprotocols recover a lost connection within 30 s without losing or doubling a message; with the others, a
/// lost connection takes the messages sent meanwhile with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// `json.reliable.webpubsub.azure.v1`
    #[default]
    JsonReliable,
    /// `json.webpubsub.azure.v1`
    Json,
    /// `protobuf.reliable.webpubsub.azure.v1`. Half the size for binary data; who sent a message is not told.
    #[cfg(feature = "protobuf")]
    #[cfg_attr(docsrs, doc(cfg(feature = "protobuf")))]
    ProtobufReliable,
    /// `protobuf.webpubsub.azure.v1`
    #[cfg(feature = "protobuf")]
    #[cfg_attr(docsrs, doc(cfg(feature = "protobuf")))]
    Protobuf,
}

impl Protocol {
    /// The subprotocol's name in the WebSocket handshake.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::JsonReliable => "json.reliable.webpubsub.azure.v1",
            Self::Json => "json.webpubsub.azure.v1",
            #[cfg(feature = "protobuf")]
            Self::ProtobufReliable => "protobuf.reliable.webpubsub.azure.v1",
            #[cfg(feature = "protobuf")]
            Self::Protobuf => "protobuf.webpubsub.azure.v1",
        }
    }

    /// Whether a lost connection can be recovered.
    #[must_use]
    pub fn is_reliable(self) -> bool {
        match self {
            Self::JsonReliable => true,
            Self::Json => false,
            #[cfg(feature = "protobuf")]
            Self::ProtobufReliable => true,
            #[cfg(feature = "protobuf")]
            Self::Protobuf => false,
        }
    }

    /// Whether its frames are texts.
    fn is_text(self) -> bool {
        matches!(self, Self::JsonReliable | Self::Json)
    }

    pub(super) fn encode(self, frame: &Upstream<'_>) -> Message {
        match self {
            Self::JsonReliable | Self::Json => Message::text(json::encode(frame)),
            #[cfg(feature = "protobuf")]
            Self::ProtobufReliable | Self::Protobuf => Message::binary(protobuf::encode(frame)),
        }
    }

    /// Reads a data message; `None` for control messages, which are the WebSocket's own.
    pub(super) fn decode(self, message: &Message) -> Option<Downstream> {
        match message {
            Message::Text(text) if self.is_text() => Some(json::decode(text)),
            #[cfg(feature = "protobuf")]
            Message::Binary(bytes) if !self.is_text() => Some(protobuf::decode(bytes.clone())),
            Message::Text(_) | Message::Binary(_) => {
                Some(Downstream::Skipped { sequence_id: None, why: "a frame of the other kind" })
            }
            _ => None,
        }
    }
}
