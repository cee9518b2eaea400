//! The four subprotocols: their names, and how frames are encoded as WebSocket messages and decoded. Decoding never fails: a
//! frame that cannot be decoded is skipped.

mod json;
mod plain;
#[cfg(test)]
mod plain_tests;
#[cfg(feature = "preview")]
mod preview_json;
#[cfg(all(feature = "preview", feature = "protobuf"))]
mod preview_protobuf;
#[cfg(feature = "protobuf")]
mod protobuf;
#[cfg(test)]
mod tests;
mod writer;

use tokio_tungstenite::tungstenite::Message;

use super::frame::{Downstream, Upstream};

/// Selects the WebSocket subprotocol between a client and the service.
///
/// With a reliable subprotocol, a dropped connection can be recovered for 30 s without losing or duplicating messages. With the
/// others, messages sent while the client is disconnected are lost.
///
/// # Examples
///
/// ```
/// use webpubsub::client::Protocol;
///
/// assert_eq!(Protocol::default(), Protocol::JsonReliable);
/// assert_eq!(Protocol::Json.name(), "json.webpubsub.azure.v1");
/// assert!(!Protocol::Json.is_reliable());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// Uses `json.reliable.webpubsub.azure.v1`, the default.
    #[default]
    JsonReliable,
    /// Uses `json.webpubsub.azure.v1`.
    Json,
    /// Uses `protobuf.reliable.webpubsub.azure.v1`.
    ///
    /// Binary data is more compact than with JSON. Messages do not contain their sender's user id.
    #[cfg(feature = "protobuf")]
    #[cfg_attr(docsrs, doc(cfg(feature = "protobuf")))]
    ProtobufReliable,
    /// Uses `protobuf.webpubsub.azure.v1`.
    #[cfg(feature = "protobuf")]
    #[cfg_attr(docsrs, doc(cfg(feature = "protobuf")))]
    Protobuf,
}

impl Protocol {
    /// Returns the subprotocol's name in the WebSocket handshake.
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

    /// Returns whether a dropped connection can be recovered.
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

    /// Returns whether the frames are text frames.
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

    /// Decodes a data message. Returns `None` for control messages, which the WebSocket library handles.
    pub(super) fn decode(self, message: &Message) -> Option<Downstream> {
        match message {
            Message::Text(text) if self.is_text() => Some(json::decode(text)),
            #[cfg(feature = "protobuf")]
            Message::Binary(bytes) if !self.is_text() => Some(protobuf::decode(bytes.clone())),
            Message::Text(_) | Message::Binary(_) => Some(Downstream::Skipped {
                sequence_id: None,
                why: "a text frame where binary was expected, or the reverse",
            }),
            _ => None,
        }
    }
}
