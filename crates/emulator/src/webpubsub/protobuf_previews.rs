//! The messages of the protobuf subprotocols that are in preview: invocations, group streams, and group states (previews,
//! sections 2 to 4). The field numbers are those of the published schema (client protocols, section 5).

use prost::Message;

use super::protobuf_messages::{AckError, MessageData};

/// An entry of a `map<string, string>`, which is a repeated message on the wire. A map type would lose the order.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct InvokeEvent {
    #[prost(string, tag = "1")]
    pub(super) event: String,
    #[prost(string, tag = "2")]
    pub(super) invocation_id: String,
    #[prost(message, optional, tag = "3")]
    pub(super) data: Option<MessageData>,
    #[prost(message, repeated, tag = "4")]
    pub(super) metadata: Vec<Entry>,
    #[prost(message, optional, tag = "5")]
    pub(super) stream: Option<StreamStartInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CancelInvocation {
    #[prost(string, tag = "1")]
    pub(super) invocation_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamStartInfo {
    #[prost(string, tag = "1")]
    pub(super) stream_id: String,
    #[prost(uint32, optional, tag = "2")]
    pub(super) idle_timeout_ms: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamData {
    #[prost(string, tag = "1")]
    pub(super) stream_id: String,
    #[prost(uint64, optional, tag = "2")]
    pub(super) stream_sequence_id: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(super) data: Option<MessageData>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamEnd {
    #[prost(string, tag = "1")]
    pub(super) stream_id: String,
    #[prost(message, optional, tag = "2")]
    pub(super) error: Option<StreamEndError>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamEndError {
    #[prost(string, optional, tag = "1")]
    pub(super) message: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) user_error_code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SetGroupState {
    #[prost(string, tag = "1")]
    pub(super) group: String,
    #[prost(uint64, optional, tag = "2")]
    pub(super) ack_id: Option<u64>,
    /// Absent to clear the state.
    #[prost(message, optional, tag = "3")]
    pub(super) state: Option<GroupState>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GroupState {
    #[prost(message, repeated, tag = "1")]
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct InvokeResponse {
    #[prost(string, tag = "1")]
    pub(super) invocation_id: String,
    #[prost(bool, tag = "2")]
    pub(super) success: bool,
    #[prost(message, optional, tag = "3")]
    pub(super) data: Option<MessageData>,
    #[prost(message, optional, tag = "4")]
    pub(super) error: Option<AckError>,
    #[prost(message, repeated, tag = "5")]
    pub(super) metadata: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamAck {
    #[prost(string, tag = "1")]
    pub(super) stream_id: String,
    #[prost(uint64, tag = "2")]
    pub(super) expected_sequence_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamNack {
    #[prost(string, tag = "1")]
    pub(super) stream_id: String,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) message: String,
    #[prost(uint64, tag = "4")]
    pub(super) expected_sequence_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamClosed {
    #[prost(string, tag = "1")]
    pub(super) stream_id: String,
    #[prost(message, optional, tag = "2")]
    pub(super) error: Option<AckError>,
}

/// `GroupStateUpdateMessage` and `GroupStateSnapshotMessage`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GroupStates {
    #[prost(string, tag = "1")]
    pub(super) group: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) items: Vec<GroupStateItem>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) sequence_id: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GroupStateItem {
    #[prost(string, tag = "1")]
    pub(super) connection_id: String,
    #[prost(string, optional, tag = "2")]
    pub(super) user_id: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub(super) state: Option<GroupState>,
    #[prost(int64, tag = "4")]
    pub(super) updated_at: i64,
}

/// In a message for subscribers.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamInfo {
    #[prost(string, tag = "1")]
    pub(super) stream_id: String,
    #[prost(uint64, tag = "2")]
    pub(super) stream_sequence_id: u64,
    #[prost(bool, optional, tag = "3")]
    pub(super) end_of_stream: Option<bool>,
    #[prost(message, optional, tag = "4")]
    pub(super) error: Option<StreamError>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamError {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(string, tag = "3")]
    pub(super) user_error_code: String,
}
