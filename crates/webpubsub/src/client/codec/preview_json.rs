//! The JSON form of the service's preview features (previews, sections 2 to 4).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json;
use super::writer::{self, Writer};
use crate::client::entries::Entries;
use crate::client::frame::preview::{Downstream, GroupStateItem, InvokeFailure, StreamEndError, Upstream};
use crate::client::frame::{self, Rejection};

pub(super) fn encode(frame: &Upstream<'_>) -> String {
    match *frame {
        Upstream::Invoke { id, event, data, metadata } => {
            let frame = Writer::new("invoke", id.len() + event.len() + data.map_or(0, writer::length))
                .text("invocationId", id)
                .text("target", "event")
                .text("event", event);
            let frame = match data {
                Some(data) => frame.data(data),
                None => frame,
            };
            frame.entries("metadata", metadata).end()
        }
        Upstream::CancelInvocation { id } => {
            Writer::new("cancelInvocation", id.len()).text("invocationId", id).end()
        }
        Upstream::StreamStart { group, no_echo, id, idle_timeout_ms } => {
            Writer::new("sendToGroup", group.len() + id.len())
                .text("group", group)
                .flag("noEcho", no_echo)
                .object("stream", |stream| {
                    stream.text("streamId", id).number("idleTimeoutMs", idle_timeout_ms.map(u64::from))
                })
                .end()
        }
        Upstream::StreamData { id, sequence_id, data } => {
            Writer::new("streamData", id.len() + writer::length(data))
                .text("streamId", id)
                .number("streamSequenceId", Some(sequence_id))
                .data(data)
                .end()
        }
        Upstream::StreamKeepAlive { id } => Writer::new("streamData", id.len()).text("streamId", id).end(),
        Upstream::StreamEnd { id, error } => end(id, error),
        Upstream::SetGroupState { group, ack_id, state } => Writer::new("setGroupState", group.len())
            .text("group", group)
            .number("ackId", ack_id)
            .entries("state", state)
            .end(),
        Upstream::SubscribeGroupState { group, ack_id } => {
            json::membership("subscribeGroupState", group, ack_id)
        }
        Upstream::UnsubscribeGroupState { group, ack_id } => {
            json::membership("unsubscribeGroupState", group, ack_id)
        }
    }
}

fn end(id: &str, error: Option<StreamEndError<'_>>) -> String {
    let frame = Writer::new("streamEnd", id.len()).text("streamId", id);
    match error {
        None => frame.end(),
        Some(StreamEndError { message, code }) => frame
            .object("error", |error| {
                let error = message.into_iter().fold(error, |error, text| error.text("message", text));
                code.into_iter().fold(error, |error, code| error.text("userErrorCode", code))
            })
            .end(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvokeResponse<'a> {
    invocation_id: String,
    success: Option<bool>,
    data_type: Option<String>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    data: Option<&'a RawValue>,
    error: Option<Fault>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// The part of an unreadable response that is needed to end its invocation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnreadableResponse {
    r#type: String,
    invocation_id: String,
}

#[derive(Deserialize)]
struct Fault {
    name: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamAck {
    stream_id: String,
    expected_sequence_id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamNack {
    stream_id: String,
    expected_sequence_id: u64,
    #[serde(flatten)]
    fault: Fault,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamClosed {
    stream_id: String,
    error: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupStates {
    group: String,
    items: Vec<Item>,
    sequence_id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    connection_id: String,
    user_id: Option<String>,
    state: Option<Entries>,
    updated_at: i64,
}

/// Decodes a frame of a preview feature. Returns `None` for any other frame, and for one that cannot be read.
pub(super) fn decode(r#type: &str, text: &str) -> Option<frame::Downstream> {
    let frame = match r#type {
        "invokeResponse" => match parse(text) {
            Some(response) => invoke_response(response),
            None => return unreadable_response(text),
        },
        "streamAck" => {
            let ack: StreamAck = parse(text)?;
            Downstream::StreamAck { id: ack.stream_id, expected: ack.expected_sequence_id }
        }
        "streamNack" => {
            let nack: StreamNack = parse(text)?;
            let rejection = rejection(nack.fault);
            Downstream::StreamNack { id: nack.stream_id, rejection, expected: nack.expected_sequence_id }
        }
        "streamClosed" => {
            let closed: StreamClosed = parse(text)?;
            Downstream::StreamClosed { id: closed.stream_id, rejection: closed.error.map(rejection) }
        }
        "groupStateSnapshot" => group_states(parse(text)?, true),
        "groupStateUpdate" => group_states(parse(text)?, false),
        _ => return None,
    };
    Some(frame::Downstream::Preview(frame))
}

/// Decodes a response of which only the id can be read, so that its caller does not wait for another one. Returns `None` for any
/// other frame.
pub(super) fn unreadable_response(text: &str) -> Option<frame::Downstream> {
    let UnreadableResponse { r#type, invocation_id: id } = parse(text)?;
    let outcome = Err(InvokeFailure::Unreadable("a response with a member of the wrong type"));
    let frame = Downstream::InvokeResponse { id, outcome, metadata: None };
    (r#type == "invokeResponse").then_some(frame::Downstream::Preview(frame))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// A response that cannot be read is a failure, so that its caller does not wait for another one.
fn invoke_response(frame: InvokeResponse<'_>) -> Downstream {
    let has_data = frame.data_type.is_some() || frame.data.is_some();
    let outcome = match frame.success {
        Some(true) if !has_data => Ok(None),
        Some(true) => {
            json::data(frame.data_type.as_deref(), frame.data).map(Some).map_err(InvokeFailure::Unreadable)
        }
        Some(false) => Err(InvokeFailure::Rejected(frame.error.map(rejection).unwrap_or_default())),
        None => Err(InvokeFailure::Unreadable("a response without `success`")),
    };
    let metadata = frame.metadata.and_then(json::metadata);
    Downstream::InvokeResponse { id: frame.invocation_id, outcome, metadata }
}

fn rejection(fault: Fault) -> Rejection {
    Rejection { name: fault.name.unwrap_or_default(), message: fault.message.unwrap_or_default() }
}

fn group_states(frame: GroupStates, is_snapshot: bool) -> Downstream {
    let item = |item: Item| GroupStateItem {
        connection_id: item.connection_id,
        user_id: item.user_id,
        state: item.state,
        updated_at: item.updated_at,
    };
    let items = frame.items.into_iter().map(item).collect();
    Downstream::GroupStates { group: frame.group, is_snapshot, items, sequence_id: frame.sequence_id }
}
