//! The JSON subprotocols (client protocols, sections 3 and 4).

use std::borrow::Cow;
use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use service_core::Secret;

use super::plain;
use super::writer::{self, Writer};
use crate::client::data::{Data, Json};
use crate::client::entries::Entries;
use crate::client::event::{GroupMessage, ServerMessage, StreamError, StreamPart};
use crate::client::frame::{Connected, Downstream, Incoming, Rejection, Token, Upstream};

pub(super) fn encode(frame: &Upstream<'_>) -> String {
    match *frame {
        Upstream::JoinGroup { group, ack_id } => membership("joinGroup", group, ack_id),
        Upstream::LeaveGroup { group, ack_id } => membership("leaveGroup", group, ack_id),
        Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
            Writer::new("sendToGroup", group.len() + writer::length(data))
                .text("group", group)
                .number("ackId", ack_id)
                .flag("noEcho", no_echo)
                .number("ttlSeconds", ttl_seconds.map(u64::from))
                .data(data)
                .entries("metadata", metadata)
                .end()
        }
        Upstream::Event { name, ack_id, data, metadata } => {
            Writer::new("event", name.len() + writer::length(data))
                .text("event", name)
                .number("ackId", ack_id)
                .data(data)
                .entries("metadata", metadata)
                .end()
        }
        Upstream::SequenceAck(id) => Writer::new("sequenceAck", 0).number("sequenceId", Some(id)).end(),
        Upstream::Ping => Writer::new("ping", 0).end(),
        #[cfg(feature = "preview")]
        Upstream::Preview(frame) => super::preview_json::encode(&frame),
    }
}

pub(super) fn membership(r#type: &'static str, group: &str, ack_id: Option<u64>) -> String {
    Writer::new(r#type, group.len()).text("group", group).number("ackId", ack_id).end()
}

/// The members of all frames. A name has the same meaning in each of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    event: Option<Word<'a>>,
    #[serde(borrow)]
    from: Option<Word<'a>>,
    group: Option<String>,
    from_user_id: Option<String>,
    #[serde(borrow)]
    data_type: Option<Word<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    sequence_id: Option<u64>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    ack_id: Option<u64>,
    success: Option<bool>,
    error: Option<AckError>,
    connection_id: Option<String>,
    user_id: Option<String>,
    reconnection_token: Option<String>,
    message: Option<String>,
}

/// Deserializes a present member, including `null`, which is valid message data.
pub(super) fn present<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// A string that is only compared. Serde would deserialize a plain `Option<Cow<str>>` as an owned copy.
#[derive(Deserialize)]
#[serde(transparent)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Word<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct AckError {
    name: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stream {
    stream_id: String,
    stream_sequence_id: u64,
    end_of_stream: Option<bool>,
    error: Option<StreamFault>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamFault {
    name: Option<String>,
    message: Option<String>,
    user_error_code: Option<String>,
}

/// The part of an unreadable frame that is needed to acknowledge it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbered {
    sequence_id: Option<u64>,
}

pub(super) fn decode(text: &str) -> Downstream {
    let text = crate::json::text_without_mark(text);
    plain::decode(text).unwrap_or_else(|| decode_any(text))
}

/// Decodes a frame of any form.
pub(super) fn decode_any(text: &str) -> Downstream {
    let Ok(mut frame) = serde_json::from_str::<Frame<'_>>(text) else {
        #[cfg(feature = "preview")]
        if let Some(frame) = super::preview_json::unreadable_response(text) {
            return frame;
        }
        let sequence_id = serde_json::from_str(text).ok().and_then(|frame: Numbered| frame.sequence_id);
        return Downstream::Skipped { sequence_id, why: "not a frame of this protocol" };
    };
    #[cfg(feature = "preview")]
    if let Some(frame) = super::preview_json::decode(&frame.r#type, text) {
        return frame;
    }
    let sequence_id = frame.sequence_id;
    read(&mut frame).unwrap_or_else(|why| Downstream::Skipped { sequence_id, why })
}

/// Converts a frame. It is taken by reference, since it is too large to move for each message.
fn read(frame: &mut Frame<'_>) -> Result<Downstream, &'static str> {
    match (&*frame.r#type, frame.event.as_deref()) {
        ("message", _) => {
            Ok(Downstream::Message { sequence_id: frame.sequence_id, message: message(frame)? })
        }
        ("ack", _) => ack(frame),
        ("pong", _) => Ok(Downstream::Pong),
        ("system", Some("connected")) => Ok(Downstream::Connected(Connected {
            connection_id: frame.connection_id.take().ok_or("a `connected` frame without a connection id")?,
            user_id: frame.user_id.take(),
            reconnection_token: frame.reconnection_token.take().map(|token| Token(Secret::new(token))),
        })),
        ("system", Some("disconnected")) => Ok(Downstream::Disconnected { reason: frame.message.take() }),
        _ => Err("a frame of an unknown type"),
    }
}

fn ack(frame: &mut Frame<'_>) -> Result<Downstream, &'static str> {
    let id = frame.ack_id.ok_or("an ack without its id")?;
    let rejection = match (frame.success, frame.error.take()) {
        (Some(true), _) => None,
        (Some(false), Some(error)) => Some(Rejection {
            name: error.name.unwrap_or_default(),
            message: error.message.unwrap_or_default(),
        }),
        (Some(false), None) => Some(Rejection::default()),
        (None, _) => return Err("an ack without `success`"),
    };
    Ok(Downstream::Ack { id, rejection })
}

fn message(frame: &mut Frame<'_>) -> Result<Incoming, &'static str> {
    let data = data(frame.data_type.as_deref(), frame.data)?;
    let metadata = frame.metadata.and_then(metadata);
    match frame.from.as_deref() {
        Some("group") => Ok(Incoming::Group(GroupMessage {
            group: frame.group.take().ok_or("a group message without a group name")?,
            from_user_id: frame.from_user_id.take(),
            data,
            stream: frame.stream.and_then(stream),
            metadata,
        })),
        Some("server") => Ok(Incoming::Server(ServerMessage { data, metadata })),
        _ => Err("a message from an unknown sender"),
    }
}

/// Decodes metadata. What cannot be read is ignored, so that the message is not lost.
pub(super) fn metadata(metadata: &RawValue) -> Option<Box<Entries>> {
    serde_json::from_str(metadata.get()).ok().map(Box::new)
}

/// Decodes the stream that a message is a part of. With one that cannot be read, the message is an ordinary one.
fn stream(stream: &RawValue) -> Option<Box<StreamPart>> {
    let stream: Stream = serde_json::from_str(stream.get()).ok()?;
    Some(Box::new(StreamPart {
        stream_id: stream.stream_id,
        sequence_id: stream.stream_sequence_id,
        end_of_stream: stream.end_of_stream.unwrap_or_default(),
        error: stream.error.map(|error| StreamError {
            name: error.name.unwrap_or_default(),
            message: error.message,
            user_error_code: error.user_error_code,
        }),
    }))
}

/// Decodes the data. Missing data is empty: the service omits it if only metadata was sent.
pub(super) fn data(data_type: Option<&str>, data: Option<&RawValue>) -> Result<Data, &'static str> {
    let is_json = matches!(data_type, Some("json") | None);
    let data = data.filter(|data| is_json || data.get() != "null");
    let text = || data.map_or(Ok(String::new()), text);
    let bytes = || STANDARD.decode(text()?).map_err(|_| "a message whose data is not base64");
    match data_type {
        Some("text") => Ok(Data::Text(text()?)),
        Some("json") | None => {
            Ok(data.map_or_else(|| Data::Text(String::new()), |data| Data::Json(Json::from_raw(data))))
        }
        Some("binary") => Ok(Data::Binary(bytes()?.into())),
        Some("protobuf") => Ok(Data::Protobuf(bytes()?.into())),
        Some(_) => Err("a message of an unknown data type"),
    }
}

/// Returns the text of a JSON string. Most strings have no escapes and are copied from between the quotes; the JSON has already
/// been validated as part of the frame.
fn text(data: &RawValue) -> Result<String, &'static str> {
    let json = data.get();
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !has_escapes(plain) => Ok(plain.to_owned()),
        _ => serde_json::from_str(json).map_err(|_| "a message whose data is not a string"),
    }
}

/// Checks every byte, since a loop with an early exit is not vectorized.
fn has_escapes(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte == b'\\'))
}
