//! The subprotocols `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`: their frames in both directions
//! (client protocols, sections 3 and 4).

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::delivery::{Data, Delivery, From};
use super::frame::{self, Action, Failure, Frame, Invalid, MISSING_DATA, ServerFrame};
use super::outbox::Closing;
use crate::message::json_from_str;

/// A client's frame. Flat, because a tagged enum cannot preserve the raw text of `data`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incoming {
    r#type: String,
    group: Option<String>,
    event: Option<String>,
    ack_id: Option<u64>,
    #[serde(default)]
    no_echo: bool,
    ttl_seconds: Option<u32>,
    data_type: Option<String>,
    data: Option<Box<RawValue>>,
    sequence_id: Option<u64>,
}

/// Parses a client's frame. Returns `None` for a control frame.
pub(super) fn read(message: &Message) -> Result<Option<Frame>, Closing> {
    let text = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(_) => {
            return Err(Closing::for_fault(CloseCode::Unsupported, "the protocol allows only text frames"));
        }
        _ => return Ok(None),
    };
    let incoming: Incoming = json_from_str(text).map_err(|_| Invalid("the frame is invalid"))?;
    Ok(Some(incoming.frame()?))
}

/// Encodes a frame for the client.
pub(super) fn encode(frame: &ServerFrame<'_>) -> Message {
    Message::text(match *frame {
        ServerFrame::Connected { connection, user, reconnection } => {
            connected(connection, user, reconnection)
        }
        ServerFrame::Disconnected { reason } => disconnected(reason),
        ServerFrame::Ack { id, failure } => ack(id, failure),
        ServerFrame::Pong => r#"{"type":"pong"}"#.to_owned(),
        ServerFrame::Message { delivery, id } => message(delivery, id),
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

fn ack(id: u64, failure: Option<&Failure>) -> String {
    let mut frame = json!({ "type": "ack", "ackId": id, "success": failure.is_none() });
    if let Some(failure) = failure {
        frame["error"] = json!({ "name": failure.name, "message": failure.message });
    }
    frame.to_string()
}

fn message(delivery: &Delivery, id: Option<u64>) -> String {
    let (data_type, data) = delivery.data.write();
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let from = match &delivery.from {
        From::Server => r#""from":"server""#.to_owned(),
        From::Group { group, user: None } => format!(r#""from":"group","group":{}"#, quoted(group)),
        From::Group { group, user: Some(user) } => {
            format!(r#""from":"group","group":{},"fromUserId":{}"#, quoted(group), quoted(user))
        }
    };
    let id = id.map_or(String::new(), |id| format!(r#","sequenceId":{id}"#));
    format!(r#"{{"type":"message",{from}{id},"dataType":"{data_type}","data":{data}}}"#)
}

impl Incoming {
    fn frame(self) -> Result<Frame, Invalid> {
        let ack_id = self.ack_id;
        let action = match self.r#type.as_str() {
            "ping" => return Ok(Frame::Ping),
            "sequenceAck" => {
                return self.sequence_id.map(Frame::SequenceAck).ok_or(Invalid("sequenceId is missing"));
            }
            "joinGroup" => Action::Join(self.group()?),
            "leaveGroup" => Action::Leave(self.group()?),
            "sendToGroup" => Action::Send {
                data: self.data()?,
                no_echo: self.no_echo,
                time_to_live: frame::time_to_live(self.ttl_seconds)?,
                group: self.group()?,
            },
            "event" => {
                Action::Event { data: self.data()?, name: self.event.ok_or(Invalid("event is missing"))? }
            }
            _ => return Err(Invalid("the frame's type is unknown or not supported by the emulator")),
        };
        Ok(Frame::Request { ack_id, action })
    }

    fn group(self) -> Result<String, Invalid> {
        self.group.ok_or(Invalid("group is missing"))
    }

    fn data(&self) -> Result<Data, Invalid> {
        let data = self.data.as_ref().ok_or(MISSING_DATA)?;
        Data::read(self.data_type.as_deref(), data).ok_or(Invalid("data does not match dataType"))
    }
}
