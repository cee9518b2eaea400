//! The messages of the protobuf subprotocols (client protocols, section 5), with the numbers of the published schema.
//! The messages of the previews are in a file of their own.

use bytes::Bytes;
use prost::{Message, Oneof};

use super::protobuf_previews::{
    CancelInvocation, Entry, GroupStates, InvokeEvent, InvokeResponse, SetGroupState, StreamAck,
    StreamClosed, StreamData, StreamEnd, StreamInfo, StreamNack, StreamStartInfo,
};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Upstream {
    #[prost(oneof = "UpstreamKind", tags = "1, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17")]
    pub(super) message: Option<UpstreamKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum UpstreamKind {
    #[prost(message, tag = "1")]
    SendToGroup(SendToGroup),
    #[prost(message, tag = "5")]
    Event(Event),
    #[prost(message, tag = "6")]
    JoinGroup(OfGroup),
    #[prost(message, tag = "7")]
    LeaveGroup(OfGroup),
    #[prost(message, tag = "8")]
    SequenceAck(SequenceAck),
    #[prost(message, tag = "9")]
    Ping(Empty),
    #[prost(message, tag = "10")]
    InvokeEvent(InvokeEvent),
    #[prost(message, tag = "11")]
    CancelInvocation(CancelInvocation),
    #[prost(message, tag = "13")]
    StreamData(StreamData),
    #[prost(message, tag = "14")]
    StreamEnd(StreamEnd),
    #[prost(message, tag = "15")]
    SetGroupState(SetGroupState),
    #[prost(message, tag = "16")]
    SubscribeGroupState(OfGroup),
    #[prost(message, tag = "17")]
    UnsubscribeGroupState(OfGroup),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SendToGroup {
    #[prost(string, tag = "1")]
    pub(super) group: String,
    #[prost(uint64, optional, tag = "2")]
    pub(super) ack_id: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(super) data: Option<MessageData>,
    #[prost(bool, optional, tag = "4")]
    pub(super) no_echo: Option<bool>,
    #[prost(uint32, optional, tag = "5")]
    pub(super) ttl_seconds: Option<u32>,
    #[prost(message, repeated, tag = "6")]
    pub(super) metadata: Vec<Entry>,
    #[prost(message, optional, tag = "7")]
    pub(super) stream: Option<StreamStartInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    #[prost(string, tag = "1")]
    pub(super) event: String,
    #[prost(message, optional, tag = "2")]
    pub(super) data: Option<MessageData>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) ack_id: Option<u64>,
    #[prost(message, repeated, tag = "4")]
    pub(super) metadata: Vec<Entry>,
    #[prost(message, optional, tag = "5")]
    pub(super) stream: Option<StreamStartInfo>,
}

/// `JoinGroupMessage`, `LeaveGroupMessage`, `SubscribeGroupStateMessage`, and `UnsubscribeGroupStateMessage`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OfGroup {
    #[prost(string, tag = "1")]
    pub(super) group: String,
    #[prost(uint64, optional, tag = "2")]
    pub(super) ack_id: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SequenceAck {
    #[prost(uint64, tag = "1")]
    pub(super) sequence_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Downstream {
    #[prost(oneof = "DownstreamKind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")]
    pub(super) message: Option<DownstreamKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum DownstreamKind {
    #[prost(message, tag = "1")]
    Ack(Ack),
    #[prost(message, tag = "2")]
    Data(DataMessage),
    #[prost(message, tag = "3")]
    System(System),
    #[prost(message, tag = "4")]
    Pong(Empty),
    #[prost(message, tag = "5")]
    InvokeResponse(InvokeResponse),
    #[prost(message, tag = "6")]
    StreamAck(StreamAck),
    #[prost(message, tag = "7")]
    StreamNack(StreamNack),
    #[prost(message, tag = "8")]
    StreamClosed(StreamClosed),
    #[prost(message, tag = "9")]
    GroupStateUpdate(GroupStates),
    #[prost(message, tag = "10")]
    GroupStateSnapshot(GroupStates),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Ack {
    #[prost(uint64, tag = "1")]
    pub(super) ack_id: u64,
    #[prost(bool, tag = "2")]
    pub(super) success: bool,
    #[prost(message, optional, tag = "3")]
    pub(super) error: Option<AckError>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AckError {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DataMessage {
    #[prost(string, tag = "1")]
    pub(super) from: String,
    #[prost(string, optional, tag = "2")]
    pub(super) group: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub(super) data: Option<MessageData>,
    #[prost(uint64, optional, tag = "4")]
    pub(super) sequence_id: Option<u64>,
    #[prost(message, repeated, tag = "5")]
    pub(super) metadata: Vec<Entry>,
    #[prost(message, optional, tag = "6")]
    pub(super) stream: Option<StreamInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct System {
    #[prost(oneof = "SystemKind", tags = "1, 2")]
    pub(super) message: Option<SystemKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum SystemKind {
    #[prost(message, tag = "1")]
    Connected(Connected),
    #[prost(message, tag = "2")]
    Disconnected(Disconnected),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Connected {
    #[prost(string, tag = "1")]
    pub(super) connection_id: String,
    #[prost(string, tag = "2")]
    pub(super) user_id: String,
    #[prost(string, optional, tag = "3")]
    pub(super) reconnection_token: Option<String>,
}

/// Its only field has the number 2.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Disconnected {
    #[prost(string, tag = "2")]
    pub(super) reason: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MessageData {
    #[prost(oneof = "MessageDataKind", tags = "1, 2, 3, 4")]
    pub(super) data: Option<MessageDataKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum MessageDataKind {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bytes = "bytes", tag = "2")]
    Binary(Bytes),
    /// A `google.protobuf.Any`. On the wire, an embedded message is its bytes, which pass through unchanged.
    #[prost(bytes = "bytes", tag = "3")]
    Protobuf(Bytes),
    #[prost(string, tag = "4")]
    Json(String),
}
