//! The subprotocols `protobuf.webpubsub.azure.v1` and `protobuf.reliable.webpubsub.azure.v1`: their frames in both
//! directions (client protocols, section 5).

use prost::Message as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::delivery::{Data, Delivery, From};
use super::frame::{self, Action, Failure, Frame, Invalid, MISSING_DATA, ServerFrame};
use super::outbox::Closing;
use super::protobuf_messages::{
    Ack, AckError, Connected, DataMessage, Disconnected, Downstream, DownstreamKind, Empty, MessageData,
    MessageDataKind, System, SystemKind, Upstream, UpstreamKind,
};
use crate::message::json_from_str;

/// Parses a client's frame. Returns `None` for a control frame.
pub(super) fn read(message: &Message) -> Result<Option<Frame>, Closing> {
    let bytes = match message {
        Message::Binary(bytes) => bytes.clone(),
        Message::Text(_) => {
            return Err(Closing::for_fault(CloseCode::Unsupported, "the protocol allows only binary frames"));
        }
        _ => return Ok(None),
    };
    let upstream = Upstream::decode(bytes).map_err(|_| Invalid("the frame is invalid"))?;
    let kind =
        upstream.message.ok_or(Invalid("the frame's type is unknown or not supported by the emulator"))?;
    Ok(Some(frame(kind)?))
}

fn frame(kind: UpstreamKind) -> Result<Frame, Invalid> {
    let request = |ack_id, action| Ok(Frame::Request { ack_id, action });
    match kind {
        UpstreamKind::Ping(_) => Ok(Frame::Ping),
        UpstreamKind::SequenceAck(ack) => Ok(Frame::SequenceAck(ack.sequence_id)),
        UpstreamKind::JoinGroup(join) => request(join.ack_id, Action::Join(join.group)),
        UpstreamKind::LeaveGroup(leave) => request(leave.ack_id, Action::Leave(leave.group)),
        UpstreamKind::Event(event) => {
            request(event.ack_id, Action::Event { name: event.event, data: data(event.data)? })
        }
        UpstreamKind::SendToGroup(send) => {
            let (data, time_to_live) = (data(send.data)?, frame::time_to_live(send.ttl_seconds)?);
            let no_echo = send.no_echo.unwrap_or(false);
            request(send.ack_id, Action::Send { group: send.group, data, no_echo, time_to_live })
        }
    }
}

fn data(data: Option<MessageData>) -> Result<Data, Invalid> {
    match data.and_then(|data| data.data).ok_or(MISSING_DATA)? {
        MessageDataKind::Text(text) => Ok(Data::Text(text)),
        MessageDataKind::Binary(bytes) => Ok(Data::Binary(bytes)),
        MessageDataKind::Protobuf(any) => Ok(Data::Protobuf(any)),
        MessageDataKind::Json(text) => {
            json_from_str(&text).map(Data::Json).map_err(|_| Invalid("json_data is not JSON"))
        }
    }
}

/// Encodes a frame for the client.
pub(super) fn encode(frame: &ServerFrame<'_>) -> Message {
    let kind = match *frame {
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
        ServerFrame::Ack { id, failure } => ack(id, failure),
        ServerFrame::Pong => DownstreamKind::Pong(Empty {}),
        ServerFrame::Message { delivery, id } => message(delivery, id),
    };
    Message::binary(Downstream { message: Some(kind) }.encode_to_vec())
}

fn system(kind: SystemKind) -> DownstreamKind {
    DownstreamKind::System(System { message: Some(kind) })
}

fn ack(ack_id: u64, failure: Option<&Failure>) -> DownstreamKind {
    let error =
        failure.map(|failure| AckError { name: failure.name.to_owned(), message: failure.message.clone() });
    DownstreamKind::Ack(Ack { ack_id, success: failure.is_none(), error })
}

/// There is no field for the sender's user id.
fn message(delivery: &Delivery, sequence_id: Option<u64>) -> DownstreamKind {
    let (from, group) = match &delivery.from {
        From::Server => ("server", None),
        From::Group { group, .. } => ("group", Some(group.clone())),
    };
    let data = match &delivery.data {
        Data::Text(text) => MessageDataKind::Text(text.clone()),
        Data::Json(json) => MessageDataKind::Json(json.get().to_owned()),
        Data::Binary(bytes) => MessageDataKind::Binary(bytes.clone()),
        Data::Protobuf(any) => MessageDataKind::Protobuf(any.clone()),
    };
    let data = Some(MessageData { data: Some(data) });
    DownstreamKind::Data(DataMessage { from: from.to_owned(), group, data, sequence_id })
}
