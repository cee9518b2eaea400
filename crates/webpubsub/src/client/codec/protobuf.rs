//! The protobuf subprotocols (client protocols, section 5): the part of the schema that this client supports. The decoder skips
//! other fields.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::{Message, Oneof};
use service_core::Secret;

use crate::client::data::{Data, Json};
use crate::client::entries::Entries;
use crate::client::event::{GroupMessage, ServerMessage, StreamError, StreamPart};
use crate::client::frame::{Connected, Downstream, Incoming, Rejection, Token, Upstream};

#[derive(Clone, PartialEq, Message)]
pub(super) struct UpstreamMessage {
    #[prost(oneof = "up::Kind", tags = "1, 5, 6, 7, 8, 9")]
    pub(super) message: Option<up::Kind>,
}

/// The types nested in `UpstreamMessage`.
pub(super) mod up {
    use super::{BTreeMap, Message, MessageData, Oneof};

    #[derive(Clone, PartialEq, Oneof)]
    pub(in super::super) enum Kind {
        #[prost(message, tag = "1")]
        SendToGroup(SendToGroup),
        #[prost(message, tag = "5")]
        Event(Event),
        #[prost(message, tag = "6")]
        JoinGroup(Group),
        #[prost(message, tag = "7")]
        LeaveGroup(Group),
        #[prost(message, tag = "8")]
        SequenceAck(SequenceAck),
        #[prost(message, tag = "9")]
        Ping(Ping),
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct SendToGroup {
        #[prost(string, tag = "1")]
        pub(in super::super) group: String,
        #[prost(uint64, optional, tag = "2")]
        pub(in super::super) ack_id: Option<u64>,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) data: Option<MessageData>,
        #[prost(bool, optional, tag = "4")]
        pub(in super::super) no_echo: Option<bool>,
        #[prost(uint32, optional, tag = "5")]
        pub(in super::super) ttl_seconds: Option<u32>,
        #[prost(btree_map = "string, string", tag = "6")]
        pub(in super::super) metadata: BTreeMap<String, String>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Event {
        #[prost(string, tag = "1")]
        pub(in super::super) event: String,
        #[prost(message, optional, tag = "2")]
        pub(in super::super) data: Option<MessageData>,
        #[prost(uint64, optional, tag = "3")]
        pub(in super::super) ack_id: Option<u64>,
        #[prost(btree_map = "string, string", tag = "4")]
        pub(in super::super) metadata: BTreeMap<String, String>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Group {
        #[prost(string, tag = "1")]
        pub(in super::super) group: String,
        #[prost(uint64, optional, tag = "2")]
        pub(in super::super) ack_id: Option<u64>,
    }

    #[derive(Clone, Copy, PartialEq, Message)]
    pub(in super::super) struct SequenceAck {
        #[prost(uint64, tag = "1")]
        pub(in super::super) sequence_id: u64,
    }

    #[derive(Clone, Copy, PartialEq, Message)]
    pub(in super::super) struct Ping {}
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DownstreamMessage {
    #[prost(oneof = "down::Kind", tags = "1, 2, 3, 4, 9, 10")]
    pub(super) message: Option<down::Kind>,
}

/// The types nested in `DownstreamMessage`.
pub(super) mod down {
    use super::{BTreeMap, Message, MessageData, Oneof};

    #[derive(Clone, PartialEq, Oneof)]
    pub(in super::super) enum Kind {
        #[prost(message, tag = "1")]
        Ack(Ack),
        #[prost(message, tag = "2")]
        Data(Data),
        #[prost(message, tag = "3")]
        System(System),
        #[prost(message, tag = "4")]
        Pong(Pong),
        #[prost(message, tag = "9")]
        GroupStateUpdate(GroupState),
        #[prost(message, tag = "10")]
        GroupStateSnapshot(GroupState),
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Ack {
        #[prost(uint64, tag = "1")]
        pub(in super::super) ack_id: u64,
        #[prost(bool, tag = "2")]
        pub(in super::super) success: bool,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) error: Option<Error>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Error {
        #[prost(string, tag = "1")]
        pub(in super::super) name: String,
        #[prost(string, tag = "2")]
        pub(in super::super) message: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Data {
        #[prost(string, tag = "1")]
        pub(in super::super) from: String,
        #[prost(string, optional, tag = "2")]
        pub(in super::super) group: Option<String>,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) data: Option<MessageData>,
        #[prost(uint64, optional, tag = "4")]
        pub(in super::super) sequence_id: Option<u64>,
        #[prost(btree_map = "string, string", tag = "5")]
        pub(in super::super) metadata: BTreeMap<String, String>,
        #[prost(message, optional, boxed, tag = "6")]
        pub(in super::super) stream: Option<Box<Stream>>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Stream {
        #[prost(string, tag = "1")]
        pub(in super::super) stream_id: String,
        #[prost(uint64, tag = "2")]
        pub(in super::super) stream_sequence_id: u64,
        #[prost(bool, optional, tag = "3")]
        pub(in super::super) end_of_stream: Option<bool>,
        #[prost(message, optional, tag = "4")]
        pub(in super::super) error: Option<StreamError>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamError {
        #[prost(string, tag = "1")]
        pub(in super::super) name: String,
        #[prost(string, tag = "2")]
        pub(in super::super) message: String,
        #[prost(string, tag = "3")]
        pub(in super::super) user_error_code: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct System {
        #[prost(oneof = "SystemKind", tags = "1, 2")]
        pub(in super::super) message: Option<SystemKind>,
    }

    #[derive(Clone, PartialEq, Oneof)]
    pub(in super::super) enum SystemKind {
        #[prost(message, tag = "1")]
        Connected(Connected),
        #[prost(message, tag = "2")]
        Disconnected(Disconnected),
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Connected {
        #[prost(string, tag = "1")]
        pub(in super::super) connection_id: String,
        #[prost(string, tag = "2")]
        pub(in super::super) user_id: String,
        #[prost(string, optional, tag = "3")]
        pub(in super::super) reconnection_token: Option<String>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Disconnected {
        #[prost(string, tag = "2")]
        pub(in super::super) reason: String,
    }

    #[derive(Clone, Copy, PartialEq, Message)]
    pub(in super::super) struct Pong {}

    /// Only the sequence id of these frames is read, since it must be acknowledged.
    #[derive(Clone, Copy, PartialEq, Message)]
    pub(in super::super) struct GroupState {
        #[prost(uint64, optional, tag = "3")]
        pub(in super::super) sequence_id: Option<u64>,
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MessageData {
    #[prost(oneof = "Content", tags = "1, 2, 3, 4")]
    pub(super) data: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bytes = "bytes", tag = "2")]
    Binary(Bytes),
    /// A `google.protobuf.Any`, kept as bytes: embedded messages are encoded like a byte field.
    #[prost(bytes = "bytes", tag = "3")]
    Protobuf(Bytes),
    #[prost(string, tag = "4")]
    Json(String),
}

impl MessageData {
    pub(super) fn of(data: &Data) -> Option<Self> {
        let data = match data {
            Data::Text(text) => Content::Text(text.clone()),
            Data::Json(json) => Content::Json(json.as_str().to_owned()),
            Data::Binary(bytes) => Content::Binary(bytes.clone()),
            Data::Protobuf(bytes) => Content::Protobuf(bytes.clone()),
        };
        Some(Self { data: Some(data) })
    }
}

pub(super) fn encode(frame: &Upstream<'_>) -> Vec<u8> {
    let kind = match *frame {
        Upstream::JoinGroup { group, ack_id } => {
            up::Kind::JoinGroup(up::Group { group: group.to_owned(), ack_id })
        }
        Upstream::LeaveGroup { group, ack_id } => {
            up::Kind::LeaveGroup(up::Group { group: group.to_owned(), ack_id })
        }
        Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
            up::Kind::SendToGroup(up::SendToGroup {
                group: group.to_owned(),
                ack_id,
                data: MessageData::of(data),
                no_echo: no_echo.then_some(true),
                ttl_seconds: ttl_seconds.map(u32::from),
                metadata: entries(metadata),
            })
        }
        Upstream::Event { name, ack_id, data, metadata } => up::Kind::Event(up::Event {
            event: name.to_owned(),
            data: MessageData::of(data),
            ack_id,
            metadata: entries(metadata),
        }),
        Upstream::SequenceAck(sequence_id) => up::Kind::SequenceAck(up::SequenceAck { sequence_id }),
        Upstream::Ping => up::Kind::Ping(up::Ping {}),
        #[cfg(feature = "preview")]
        Upstream::Preview(frame) => return super::preview_protobuf::encode(&frame),
    };
    UpstreamMessage { message: Some(kind) }.encode_to_vec()
}

/// Returns a map as the codec needs it. An empty one is the same as none.
pub(super) fn entries(entries: Option<&Entries>) -> BTreeMap<String, String> {
    entries.map(|Entries(entries)| entries.clone()).unwrap_or_default()
}

pub(super) fn decode(bytes: Bytes) -> Downstream {
    #[cfg(feature = "preview")]
    if super::preview_protobuf::is_preview(&bytes) {
        return super::preview_protobuf::decode(bytes);
    }
    let skipped = |why| Downstream::Skipped { sequence_id: None, why };
    let Ok(frame) = DownstreamMessage::decode(bytes) else { return skipped("not a frame of this protocol") };
    match frame.message {
        Some(down::Kind::Data(data)) => {
            let sequence_id = data.sequence_id;
            match message(data) {
                Ok(message) => Downstream::Message { sequence_id, message },
                Err(why) => Downstream::Skipped { sequence_id, why },
            }
        }
        Some(down::Kind::Ack(down::Ack { ack_id: id, success, error })) => {
            let error = error.unwrap_or_default();
            let rejection = (!success).then_some(Rejection { name: error.name, message: error.message });
            Downstream::Ack { id, rejection }
        }
        Some(down::Kind::Pong(_)) => Downstream::Pong,
        Some(down::Kind::System(down::System { message: Some(message) })) => system(message),
        Some(down::Kind::GroupStateUpdate(state) | down::Kind::GroupStateSnapshot(state)) => {
            Downstream::Skipped { sequence_id: state.sequence_id, why: "the state of a group" }
        }
        Some(down::Kind::System(_)) | None => skipped("a frame of an unknown type"),
    }
}

fn system(message: down::SystemKind) -> Downstream {
    // proto3 does not distinguish an empty string from a missing one.
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    match message {
        down::SystemKind::Connected(connected) => Downstream::Connected(Connected {
            connection_id: connected.connection_id,
            user_id: some(connected.user_id),
            reconnection_token: connected.reconnection_token.map(|token| Token(Secret::new(token))),
        }),
        down::SystemKind::Disconnected(disconnected) => {
            Downstream::Disconnected { reason: some(disconnected.reason) }
        }
    }
}

fn message(frame: down::Data) -> Result<Incoming, &'static str> {
    // Missing data is empty: the service omits it if only metadata was sent.
    let data = frame.data.map_or(Ok(Data::Text(String::new())), data)?;
    let metadata = metadata(frame.metadata);
    match (frame.from.as_str(), frame.group) {
        ("group", Some(group)) => {
            let stream = frame.stream.and_then(|stream| self::stream(*stream));
            Ok(Incoming::Group(GroupMessage { group, from_user_id: None, data, stream, metadata }))
        }
        ("server", _) => Ok(Incoming::Server(ServerMessage { data, metadata })),
        _ => Err("a message from an unknown sender"),
    }
}

pub(super) fn metadata(entries: BTreeMap<String, String>) -> Option<Box<Entries>> {
    (!entries.is_empty()).then(|| Box::new(Entries(entries)))
}

pub(super) fn data(data: MessageData) -> Result<Data, &'static str> {
    match data.data {
        Some(Content::Text(text)) => Ok(Data::Text(text)),
        Some(Content::Binary(bytes)) => Ok(Data::Binary(bytes)),
        Some(Content::Protobuf(bytes)) => Ok(Data::Protobuf(bytes)),
        Some(Content::Json(text)) => {
            Ok(Data::Json(Json::from_text(text).ok_or("a message whose data is not JSON")?))
        }
        None => Err("a message of an unknown data type"),
    }
}

/// Decodes the stream that a message is a part of. One without an id identifies none, so the message is an ordinary one.
fn stream(stream: down::Stream) -> Option<Box<StreamPart>> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let error = stream.error.map(|error| StreamError {
        name: error.name,
        message: some(error.message),
        user_error_code: some(error.user_error_code),
    });
    Some(Box::new(StreamPart {
        stream_id: some(stream.stream_id)?,
        sequence_id: stream.stream_sequence_id,
        end_of_stream: stream.end_of_stream.unwrap_or_default(),
        error,
    }))
}
