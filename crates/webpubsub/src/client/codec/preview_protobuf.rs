//! The protobuf form of the service's preview features (previews, sections 2 to 4). The envelopes are separate from those of
//! the other frames, and have the remaining field numbers.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::{Message, Oneof};

use super::protobuf::{self, MessageData};
use crate::client::entries::Entries;
use crate::client::frame::preview::{Downstream, GroupStateItem, InvokeFailure, StreamEndError, Upstream};
use crate::client::frame::{self, Rejection};

#[derive(Clone, PartialEq, Message)]
pub(super) struct UpstreamMessage {
    #[prost(oneof = "up::Kind", tags = "1, 10, 11, 13, 14, 15, 16, 17")]
    pub(super) message: Option<up::Kind>,
}

/// The types nested in `UpstreamMessage`.
pub(super) mod up {
    use super::{BTreeMap, Message, MessageData, Oneof, State};

    #[derive(Clone, PartialEq, Oneof)]
    pub(in super::super) enum Kind {
        #[prost(message, tag = "1")]
        StreamStart(SendToGroup),
        #[prost(message, tag = "10")]
        Invoke(Invoke),
        #[prost(message, tag = "11")]
        CancelInvocation(Cancel),
        #[prost(message, tag = "13")]
        StreamData(StreamData),
        #[prost(message, tag = "14")]
        StreamEnd(StreamEnd),
        #[prost(message, tag = "15")]
        SetGroupState(SetGroupState),
        #[prost(message, tag = "16")]
        SubscribeGroupState(Group),
        #[prost(message, tag = "17")]
        UnsubscribeGroupState(Group),
    }

    /// The members of this message that a stream starts with.
    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct SendToGroup {
        #[prost(string, tag = "1")]
        pub(in super::super) group: String,
        #[prost(bool, optional, tag = "4")]
        pub(in super::super) no_echo: Option<bool>,
        #[prost(message, optional, tag = "7")]
        pub(in super::super) stream: Option<StreamStart>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamStart {
        #[prost(string, tag = "1")]
        pub(in super::super) stream_id: String,
        #[prost(uint32, optional, tag = "2")]
        pub(in super::super) idle_timeout_ms: Option<u32>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Invoke {
        #[prost(string, tag = "1")]
        pub(in super::super) event: String,
        #[prost(string, tag = "2")]
        pub(in super::super) invocation_id: String,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) data: Option<MessageData>,
        #[prost(btree_map = "string, string", tag = "4")]
        pub(in super::super) metadata: BTreeMap<String, String>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Cancel {
        #[prost(string, tag = "1")]
        pub(in super::super) invocation_id: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamData {
        #[prost(string, tag = "1")]
        pub(in super::super) stream_id: String,
        #[prost(uint64, optional, tag = "2")]
        pub(in super::super) stream_sequence_id: Option<u64>,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) data: Option<MessageData>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamEnd {
        #[prost(string, tag = "1")]
        pub(in super::super) stream_id: String,
        #[prost(message, optional, tag = "2")]
        pub(in super::super) error: Option<StreamEndError>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamEndError {
        #[prost(string, optional, tag = "1")]
        pub(in super::super) message: Option<String>,
        #[prost(string, optional, tag = "2")]
        pub(in super::super) user_error_code: Option<String>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct SetGroupState {
        #[prost(string, tag = "1")]
        pub(in super::super) group: String,
        #[prost(uint64, optional, tag = "2")]
        pub(in super::super) ack_id: Option<u64>,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) state: Option<State>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Group {
        #[prost(string, tag = "1")]
        pub(in super::super) group: String,
        #[prost(uint64, optional, tag = "2")]
        pub(in super::super) ack_id: Option<u64>,
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DownstreamMessage {
    #[prost(oneof = "down::Kind", tags = "5, 6, 7, 8, 9, 10")]
    pub(super) message: Option<down::Kind>,
}

/// The types nested in `DownstreamMessage`.
pub(super) mod down {
    use super::{BTreeMap, Message, MessageData, Oneof, State};

    #[derive(Clone, PartialEq, Oneof)]
    pub(in super::super) enum Kind {
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
    pub(in super::super) struct InvokeResponse {
        #[prost(string, tag = "1")]
        pub(in super::super) invocation_id: String,
        #[prost(bool, tag = "2")]
        pub(in super::super) success: bool,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) data: Option<MessageData>,
        #[prost(message, optional, tag = "4")]
        pub(in super::super) error: Option<Error>,
        #[prost(btree_map = "string, string", tag = "5")]
        pub(in super::super) metadata: BTreeMap<String, String>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Error {
        #[prost(string, tag = "1")]
        pub(in super::super) name: String,
        #[prost(string, tag = "2")]
        pub(in super::super) message: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamAck {
        #[prost(string, tag = "1")]
        pub(in super::super) stream_id: String,
        #[prost(uint64, tag = "2")]
        pub(in super::super) expected_sequence_id: u64,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamNack {
        #[prost(string, tag = "1")]
        pub(in super::super) stream_id: String,
        #[prost(string, tag = "2")]
        pub(in super::super) name: String,
        #[prost(string, tag = "3")]
        pub(in super::super) message: String,
        #[prost(uint64, tag = "4")]
        pub(in super::super) expected_sequence_id: u64,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct StreamClosed {
        #[prost(string, tag = "1")]
        pub(in super::super) stream_id: String,
        #[prost(message, optional, tag = "2")]
        pub(in super::super) error: Option<Error>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct GroupStates {
        #[prost(string, tag = "1")]
        pub(in super::super) group: String,
        #[prost(message, repeated, tag = "2")]
        pub(in super::super) items: Vec<Item>,
        #[prost(uint64, optional, tag = "3")]
        pub(in super::super) sequence_id: Option<u64>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(in super::super) struct Item {
        #[prost(string, tag = "1")]
        pub(in super::super) connection_id: String,
        #[prost(string, optional, tag = "2")]
        pub(in super::super) user_id: Option<String>,
        #[prost(message, optional, tag = "3")]
        pub(in super::super) state: Option<State>,
        #[prost(int64, tag = "4")]
        pub(in super::super) updated_at: i64,
    }
}

/// The state of one connection in a group, which differs from none even if it is empty.
#[derive(Clone, PartialEq, Message)]
pub(super) struct State {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(super) entries: BTreeMap<String, String>,
}

pub(super) fn encode(frame: &Upstream<'_>) -> Vec<u8> {
    let kind = match *frame {
        Upstream::Invoke { id, event, data, metadata } => up::Kind::Invoke(up::Invoke {
            event: event.to_owned(),
            invocation_id: id.to_owned(),
            data: data.and_then(MessageData::of),
            metadata: protobuf::entries(metadata),
        }),
        Upstream::CancelInvocation { id } => {
            up::Kind::CancelInvocation(up::Cancel { invocation_id: id.to_owned() })
        }
        Upstream::StreamStart { group, no_echo, id, idle_timeout_ms } => {
            let stream = Some(up::StreamStart { stream_id: id.to_owned(), idle_timeout_ms });
            let no_echo = no_echo.then_some(true);
            up::Kind::StreamStart(up::SendToGroup { group: group.to_owned(), no_echo, stream })
        }
        Upstream::StreamData { id, sequence_id, data } => up::Kind::StreamData(up::StreamData {
            stream_id: id.to_owned(),
            stream_sequence_id: Some(sequence_id),
            data: MessageData::of(data),
        }),
        Upstream::StreamKeepAlive { id } => {
            up::Kind::StreamData(up::StreamData { stream_id: id.to_owned(), ..up::StreamData::default() })
        }
        Upstream::StreamEnd { id, error } => {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let error = error.map(|StreamEndError { message, code }| up::StreamEndError {
                message: owned(message),
                user_error_code: owned(code),
            });
            up::Kind::StreamEnd(up::StreamEnd { stream_id: id.to_owned(), error })
        }
        Upstream::SetGroupState { group, ack_id, state } => up::Kind::SetGroupState(up::SetGroupState {
            group: group.to_owned(),
            ack_id,
            state: state.map(|Entries(entries)| State { entries: entries.clone() }),
        }),
        Upstream::SubscribeGroupState { group, ack_id } => {
            up::Kind::SubscribeGroupState(up::Group { group: group.to_owned(), ack_id })
        }
        Upstream::UnsubscribeGroupState { group, ack_id } => {
            up::Kind::UnsubscribeGroupState(up::Group { group: group.to_owned(), ack_id })
        }
    };
    UpstreamMessage { message: Some(kind) }.encode_to_vec()
}

/// Returns whether this is a frame of a preview feature: it starts with the tag of one of their envelopes, of which a frame has
/// one.
pub(super) fn is_preview(bytes: &[u8]) -> bool {
    const LENGTH_DELIMITED: u8 = 2;
    bytes.first().is_some_and(|tag| tag & 7 == LENGTH_DELIMITED && (5..=10).contains(&(tag >> 3)))
}

pub(super) fn decode(bytes: Bytes) -> frame::Downstream {
    let skipped = |why| frame::Downstream::Skipped { sequence_id: None, why };
    let Ok(frame) = DownstreamMessage::decode(bytes) else { return skipped("not a frame of this protocol") };
    let frame = match frame.message {
        Some(down::Kind::InvokeResponse(response)) => invoke_response(response),
        Some(down::Kind::StreamAck(ack)) => {
            Downstream::StreamAck { id: ack.stream_id, expected: ack.expected_sequence_id }
        }
        Some(down::Kind::StreamNack(nack)) => Downstream::StreamNack {
            id: nack.stream_id,
            rejection: Rejection { name: nack.name, message: nack.message },
            expected: nack.expected_sequence_id,
        },
        Some(down::Kind::StreamClosed(closed)) => {
            Downstream::StreamClosed { id: closed.stream_id, rejection: closed.error.map(rejection) }
        }
        Some(down::Kind::GroupStateUpdate(states)) => group_states(states, false),
        Some(down::Kind::GroupStateSnapshot(states)) => group_states(states, true),
        None => return skipped("a frame of an unknown type"),
    };
    frame::Downstream::Preview(frame)
}

fn invoke_response(response: down::InvokeResponse) -> Downstream {
    let outcome = match response.success {
        true => response.data.map(protobuf::data).transpose().map_err(InvokeFailure::Unreadable),
        false => Err(InvokeFailure::Rejected(response.error.map(rejection).unwrap_or_default())),
    };
    let metadata = protobuf::metadata(response.metadata);
    Downstream::InvokeResponse { id: response.invocation_id, outcome, metadata }
}

fn rejection(error: down::Error) -> Rejection {
    Rejection { name: error.name, message: error.message }
}

fn group_states(states: down::GroupStates, is_snapshot: bool) -> Downstream {
    let item = |item: down::Item| GroupStateItem {
        connection_id: item.connection_id,
        user_id: item.user_id,
        state: item.state.map(|state| Entries(state.entries)),
        updated_at: item.updated_at,
    };
    let items = states.items.into_iter().map(item).collect();
    Downstream::GroupStates { group: states.group, is_snapshot, items, sequence_id: states.sequence_id }
}
