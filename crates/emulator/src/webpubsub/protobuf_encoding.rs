//! Encodes frames for clients with the subprotocols `protobuf.webpubsub.azure.v1` and
//! `protobuf.reliable.webpubsub.azure.v1` (client protocols, section 5).

use prost::Message as _;
use tokio_tungstenite::tungstenite::Message;

use super::delivery::{Data, Delivery, Fragment, From, StreamError};
use super::frame::{Failure, HandlerResponse, ServerFrame, StateKind};
use super::group_state::StateItem;
use super::metadata::Metadata;
use super::protobuf_messages::{
    Ack, AckError, Connected, DataMessage, Disconnected, Downstream, DownstreamKind, Empty, MessageData,
    MessageDataKind, System, SystemKind,
};
use super::protobuf_previews::{self as previews, Entry, GroupStateItem, GroupStates, StreamInfo};

/// Encodes a frame for the client.
pub(super) fn encode(frame: &ServerFrame<'_>) -> Message {
    Message::binary(Downstream { message: Some(kind(frame)) }.encode_to_vec())
}

fn kind(frame: &ServerFrame<'_>) -> DownstreamKind {
    match *frame {
        ServerFrame::Connected { connection, user, reconnection } => {
            system(SystemKind::Connected(Connected {
                connection_id: connection.to_owned(),
                user_id: user.unwrap_or_default().to_owned(),
                reconnection_token: reconnection.map(str::to_owned),
            }))
        }
        ServerFrame::Disconnected { reason } => {
            system(SystemKind::Disconnected(Disconnected { reason: reason.unwrap_or_default().to_owned() }))
        }
        ServerFrame::Ack { id, failure } => {
            DownstreamKind::Ack(Ack { ack_id: id, success: failure.is_none(), error: failure.map(error) })
        }
        ServerFrame::Pong => DownstreamKind::Pong(Empty {}),
        ServerFrame::Message { delivery, id } => message(delivery, id),
        ServerFrame::InvokeResponse { invocation, outcome } => invoke_response(invocation, outcome),
        ServerFrame::StreamAck { stream, expected } => DownstreamKind::StreamAck(previews::StreamAck {
            stream_id: stream.to_owned(),
            expected_sequence_id: expected,
        }),
        ServerFrame::StreamNack { stream, failure, expected } => {
            DownstreamKind::StreamNack(previews::StreamNack {
                stream_id: stream.to_owned(),
                name: failure.name.to_owned(),
                message: failure.message.clone(),
                expected_sequence_id: expected,
            })
        }
        ServerFrame::StreamClosed { stream, failure } => {
            let error = failure.map(error);
            DownstreamKind::StreamClosed(previews::StreamClosed { stream_id: stream.to_owned(), error })
        }
        ServerFrame::GroupState { kind, group, items, id } => group_state(kind, group, items, id),
    }
}

fn system(kind: SystemKind) -> DownstreamKind {
    DownstreamKind::System(System { message: Some(kind) })
}

fn error(failure: &Failure) -> AckError {
    AckError { name: failure.name.to_owned(), message: failure.message.clone() }
}

fn invoke_response(invocation: &str, outcome: Result<&HandlerResponse, &Failure>) -> DownstreamKind {
    let response = outcome.ok();
    DownstreamKind::InvokeResponse(previews::InvokeResponse {
        invocation_id: invocation.to_owned(),
        success: outcome.is_ok(),
        data: response.and_then(|response| response.data.as_ref()).map(message_data),
        error: outcome.err().map(error),
        metadata: response.map(|response| entries(&response.metadata)).unwrap_or_default(),
    })
}

/// There is no field for the sender's user id.
fn message(delivery: &Delivery, sequence_id: Option<u64>) -> DownstreamKind {
    let (from, group) = match &delivery.from {
        From::Server => ("server", None),
        From::Group { group, .. } => ("group", Some(group.clone())),
    };
    DownstreamKind::Data(DataMessage {
        from: from.to_owned(),
        group,
        data: Some(message_data(&delivery.payload.data)),
        sequence_id,
        metadata: entries(&delivery.payload.metadata),
        stream: delivery.stream.as_ref().map(stream_info),
    })
}

fn message_data(data: &Data) -> MessageData {
    let data = match data {
        Data::Text(text) => MessageDataKind::Text(text.clone()),
        Data::Json(json) => MessageDataKind::Json(json.get().to_owned()),
        Data::Binary(bytes) => MessageDataKind::Binary(bytes.clone()),
        Data::Protobuf(any) => MessageDataKind::Protobuf(any.clone()),
    };
    MessageData { data: Some(data) }
}

fn entries(metadata: &Metadata) -> Vec<Entry> {
    let pairs = metadata.entries().iter();
    pairs.map(|(key, value)| Entry { key: key.clone(), value: value.clone() }).collect()
}

fn stream_info(fragment: &Fragment) -> StreamInfo {
    StreamInfo {
        stream_id: fragment.stream_id.clone(),
        stream_sequence_id: fragment.sequence_id,
        end_of_stream: fragment.end.as_ref().map(|_| true),
        error: fragment.end.as_ref().and_then(|end| end.error.as_ref()).map(stream_error),
    }
}

fn stream_error(error: &StreamError) -> previews::StreamError {
    previews::StreamError {
        name: error.name.to_owned(),
        message: error.message.clone().unwrap_or_default(),
        user_error_code: error.user_error_code.clone().unwrap_or_default(),
    }
}

fn group_state(
    kind: StateKind,
    group: &str,
    items: &[StateItem],
    sequence_id: Option<u64>,
) -> DownstreamKind {
    let items = items.iter().map(state_item).collect();
    let states = GroupStates { group: group.to_owned(), items, sequence_id };
    match kind {
        StateKind::Snapshot => DownstreamKind::GroupStateSnapshot(states),
        StateKind::Update => DownstreamKind::GroupStateUpdate(states),
    }
}

fn state_item(item: &StateItem) -> GroupStateItem {
    let state = item.entries.as_ref().map(|entries| {
        let entries = entries.iter().map(|(key, value)| Entry { key: key.clone(), value: value.clone() });
        previews::GroupState { entries: entries.collect() }
    });
    GroupStateItem {
        connection_id: item.connection.clone(),
        user_id: item.user.clone(),
        state,
        updated_at: i64::try_from(item.updated_at).unwrap_or(i64::MAX),
    }
}
