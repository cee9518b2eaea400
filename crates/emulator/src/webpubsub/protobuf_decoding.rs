//! Decodes the frames of clients with the subprotocols `protobuf.webpubsub.azure.v1` and
//! `protobuf.reliable.webpubsub.azure.v1` (client protocols, section 5).

use prost::Message as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::delivery::Data;
use super::frame::{self, Action, Frame, Invalid, Invocation, StreamPart, StreamStart, UserError};
use super::group_state;
use super::metadata::Metadata;
use super::outbox::Closing;
use super::protobuf_messages::{Event, MessageData, MessageDataKind, SendToGroup, Upstream, UpstreamKind};
use super::protobuf_previews::{
    Entry, InvokeEvent, SetGroupState, StreamData, StreamEndError, StreamStartInfo,
};
use crate::message::json_from_str;

/// Parses a client's frame. Returns `None` for a control frame.
pub(super) fn read(message: &Message) -> Result<Option<Frame>, Closing> {
    let bytes = match message {
        Message::Binary(bytes) => bytes.clone(),
        Message::Text(_) => {
            return Err(Closing::for_fault(
                CloseCode::Unsupported,
                "The protobuf subprotocol requires binary messages.",
            ));
        }
        _ => return Ok(None),
    };
    let upstream = Upstream::decode(bytes).map_err(|_| Invalid("the frame is invalid"))?;
    let kind = upstream.message.ok_or(Invalid("the frame's type is unknown"))?;
    Ok(Some(frame(kind)?))
}

fn frame(kind: UpstreamKind) -> Result<Frame, Invalid> {
    let request = |ack_id, action| Ok(Frame::Request { ack_id, action });
    match kind {
        UpstreamKind::Ping(_) => Ok(Frame::Ping),
        UpstreamKind::SequenceAck(ack) => Ok(Frame::SequenceAck(ack.sequence_id)),
        UpstreamKind::JoinGroup(join) => request(join.ack_id, Action::Join(join.group)),
        UpstreamKind::LeaveGroup(leave) => request(leave.ack_id, Action::Leave(leave.group)),
        UpstreamKind::Event(event) => request(event.ack_id, self::event(event)?),
        UpstreamKind::SendToGroup(send) => request(send.ack_id, send_to_group(send)?),
        UpstreamKind::InvokeEvent(invoke) => invocation(invoke),
        UpstreamKind::CancelInvocation(cancel) => {
            Ok(Frame::CancelInvocation(frame::id(cancel.invocation_id)?))
        }
        UpstreamKind::StreamData(data) => stream_data(data),
        UpstreamKind::StreamEnd(end) => {
            let part = StreamPart::End { error: end.error.map(user_error) };
            Ok(Frame::Stream { id: frame::id(end.stream_id)?, part })
        }
        UpstreamKind::SetGroupState(set) => request(set.ack_id, set_group_state(set)),
        UpstreamKind::SubscribeGroupState(of) => request(of.ack_id, Action::SubscribeState(of.group)),
        UpstreamKind::UnsubscribeGroupState(of) => request(of.ack_id, Action::UnsubscribeState(of.group)),
    }
}

fn send_to_group(send: SendToGroup) -> Result<Action, Invalid> {
    let (metadata, time_to_live) = (metadata(send.metadata)?, frame::time_to_live(send.ttl_seconds)?);
    let (data, no_echo) = (data(send.data)?, send.no_echo.unwrap_or(false));
    let group = send.group;
    if let Some(StreamStartInfo { stream_id, idle_timeout_ms }) = send.stream {
        let (id, has_data) = (frame::id(stream_id)?, data.is_some());
        let start = StreamStart { id, group, no_echo, idle_timeout: idle_timeout_ms, has_data };
        return Ok(Action::StartStream(start));
    }
    Ok(Action::Send { group, payload: frame::payload(data, metadata)?, no_echo, time_to_live })
}

fn event(event: Event) -> Result<Action, Invalid> {
    check_no_stream(event.stream.as_ref())?;
    let payload = frame::payload(data(event.data)?, metadata(event.metadata)?)?;
    Ok(Action::Event { name: event.event, payload })
}

fn invocation(invoke: InvokeEvent) -> Result<Frame, Invalid> {
    check_no_stream(invoke.stream.as_ref())?;
    Ok(Frame::Invoke(Invocation {
        id: frame::id(invoke.invocation_id)?,
        is_event: true,
        event: invoke.event,
        data: data(invoke.data)?,
        metadata: metadata(invoke.metadata)?.unwrap_or_default(),
    }))
}

/// Streams of clients go to groups only.
fn check_no_stream(stream: Option<&StreamStartInfo>) -> Result<(), Invalid> {
    if stream.is_some() { Err(frame::UNEXPECTED_STREAM) } else { Ok(()) }
}

fn stream_data(frame: StreamData) -> Result<Frame, Invalid> {
    let part = match (frame.stream_sequence_id, data(frame.data)?) {
        (Some(sequence_id), Some(data)) => StreamPart::Data { sequence_id, data },
        (None, None) => StreamPart::KeepAlive,
        _ => StreamPart::Incomplete,
    };
    Ok(Frame::Stream { id: frame::id(frame.stream_id)?, part })
}

fn user_error(error: StreamEndError) -> UserError {
    UserError { message: error.message, code: error.user_error_code }
}

fn set_group_state(set: SetGroupState) -> Action {
    let entries = set.state.map(|state| pairs(state.entries).collect::<group_state::Entries>());
    Action::SetState { group: set.group, entries }
}

/// An empty map is no metadata: the wire format cannot distinguish them.
fn metadata(entries: Vec<Entry>) -> Result<Option<Metadata>, Invalid> {
    let metadata = Metadata::new(pairs(entries))?;
    Ok(Some(metadata).filter(|metadata| !metadata.is_empty()))
}

fn pairs(entries: Vec<Entry>) -> impl Iterator<Item = (String, String)> {
    entries.into_iter().map(|entry| (entry.key, entry.value))
}

fn data(data: Option<MessageData>) -> Result<Option<Data>, Invalid> {
    let Some(kind) = data.and_then(|data| data.data) else { return Ok(None) };
    match kind {
        MessageDataKind::Text(text) => Ok(Some(Data::Text(text))),
        MessageDataKind::Binary(bytes) => Ok(Some(Data::Binary(bytes))),
        MessageDataKind::Protobuf(any) => Ok(Some(Data::Protobuf(any))),
        MessageDataKind::Json(text) => json_from_str(&text)
            .map(|json| Some(Data::Json(json)))
            .map_err(|_| Invalid("json_data is not JSON")),
    }
}
