//! Encodes frames for clients with the subprotocols `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`
//! (client protocols, section 4).

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::delivery::{Delivery, Fragment, From};
use super::frame::{Failure, HandlerResponse, ServerFrame, StateKind};
use super::group_state::StateItem;
use super::metadata::Metadata;

/// Encodes a frame for the client.
pub(super) fn encode(frame: &ServerFrame<'_>) -> Message {
    Message::text(match *frame {
        ServerFrame::Connected { connection, user, reconnection } => {
            connected(connection, user, reconnection)
        }
        ServerFrame::Disconnected { reason } => disconnected(reason),
        ServerFrame::Ack { id, failure } => with_error(
            json!({ "type": "ack", "ackId": id, "success": failure.is_none() }),
            failure.map(error),
        ),
        ServerFrame::Pong => r#"{"type":"pong"}"#.to_owned(),
        ServerFrame::Message { delivery, id } => message(delivery, id),
        ServerFrame::InvokeResponse { invocation, outcome } => invoke_response(invocation, outcome),
        ServerFrame::StreamAck { stream, expected } => {
            json!({ "type": "streamAck", "streamId": stream, "expectedSequenceId": expected }).to_string()
        }
        ServerFrame::StreamNack { stream, failure, expected } => {
            let Failure { name, message } = failure;
            let frame = json!({ "type": "streamNack", "streamId": stream, "name": name, "message": message });
            with(frame, "expectedSequenceId", expected.into()).to_string()
        }
        ServerFrame::StreamClosed { stream, failure } => {
            with_error(json!({ "type": "streamClosed", "streamId": stream }), failure.map(error))
        }
        ServerFrame::GroupState { kind, group, items, id } => group_state(kind, group, items, id),
    })
}

fn connected(connection: &str, user: Option<&str>, reconnection: Option<&str>) -> String {
    let mut frame = json!({ "type": "system", "event": "connected", "connectionId": connection });
    if let Some(user) = user {
        frame["userId"] = user.into();
    }
    if let Some(token) = reconnection {
        frame["reconnectionToken"] = token.into();
    }
    frame.to_string()
}

fn disconnected(reason: Option<&str>) -> String {
    let mut frame = json!({ "type": "system", "event": "disconnected" });
    if let Some(reason) = reason {
        frame["message"] = reason.into();
    }
    frame.to_string()
}

fn error(failure: &Failure) -> Value {
    json!({ "name": failure.name, "message": failure.message })
}

fn with_error(frame: Value, error: Option<Value>) -> String {
    match error {
        Some(error) => with(frame, "error", error).to_string(),
        None => frame.to_string(),
    }
}

fn with(mut frame: Value, member: &str, value: Value) -> Value {
    frame[member] = value;
    frame
}

/// Data that is JSON keeps its raw text, so the frame is written as text.
fn message(delivery: &Delivery, id: Option<u64>) -> String {
    let (data_type, data) = delivery.payload.data.write();
    let from = match &delivery.from {
        From::Server => r#""from":"server""#.to_owned(),
        From::Group { group, user: None } => format!(r#""from":"group","group":{}"#, text(group)),
        From::Group { group, user: Some(user) } => {
            format!(r#""from":"group","group":{},"fromUserId":{}"#, text(group), text(user))
        }
    };
    let id = id.map_or(String::new(), |id| format!(r#","sequenceId":{id}"#));
    let metadata = metadata(&delivery.payload.metadata);
    let stream = delivery.stream.as_ref().map_or(String::new(), stream);
    format!(r#"{{"type":"message",{from}{id}{metadata}{stream},"dataType":"{data_type}","data":{data}}}"#)
}

fn invoke_response(invocation: &str, outcome: Result<&HandlerResponse, &Failure>) -> String {
    let (success, id) = (outcome.is_ok(), text(invocation));
    let rest = match outcome {
        Ok(response) => {
            let data = response.data.as_ref().map_or(String::new(), |data| {
                let (data_type, data) = data.write();
                format!(r#","dataType":"{data_type}","data":{data}"#)
            });
            format!("{}{data}", metadata(&response.metadata))
        }
        Err(failure) => format!(r#","error":{}"#, error(failure)),
    };
    format!(r#"{{"type":"invokeResponse","invocationId":{id},"success":{success}{rest}}}"#)
}

/// The member, preceded by a comma. Without entries, there is none.
fn metadata(metadata: &Metadata) -> String {
    if metadata.is_empty() { String::new() } else { format!(r#","metadata":{}"#, text(metadata)) }
}

fn stream(fragment: &Fragment) -> String {
    let mut info = json!({ "streamId": fragment.stream_id, "streamSequenceId": fragment.sequence_id });
    if let Some(end) = &fragment.end {
        info["endOfStream"] = true.into();
        if let Some(error) = &end.error {
            info["error"] = json!({ "name": error.name });
            let texts = [("message", &error.message), ("userErrorCode", &error.user_error_code)];
            for (name, text) in texts {
                if let Some(text) = text {
                    info["error"][name] = text.as_str().into();
                }
            }
        }
    }
    format!(r#","stream":{info}"#)
}

fn group_state(kind: StateKind, group: &str, items: &[StateItem], id: Option<u64>) -> String {
    let name = match kind {
        StateKind::Snapshot => "groupStateSnapshot",
        StateKind::Update => "groupStateUpdate",
    };
    let items: Vec<_> = items.iter().map(item).collect();
    let frame = json!({ "type": name, "group": group, "items": items });
    match id {
        Some(id) => with(frame, "sequenceId", id.into()).to_string(),
        None => frame.to_string(),
    }
}

fn item(item: &StateItem) -> Value {
    let mut object = Map::new();
    object.insert("connectionId".to_owned(), item.connection.as_str().into());
    if let Some(user) = &item.user {
        object.insert("userId".to_owned(), user.as_str().into());
    }
    if let Some(entries) = &item.entries {
        object.insert("state".to_owned(), json!(entries));
    }
    object.insert("updatedAt".to_owned(), item.updated_at.into());
    object.into()
}

/// The JSON text of a value. Serializing texts and maps of texts does not fail.
fn text(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
