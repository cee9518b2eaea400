//! Decodes the frames of clients with the subprotocols `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`
//! (client protocols, section 3).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::delivery::Data;
use super::frame::{self, Action, Frame, Invalid, Invocation, StreamPart, StreamStart, UserError};
use super::group_state;
use super::metadata::{JsonObject, Metadata};
use super::outbox::Closing;
use crate::message::json_from_str;

/// A client's frame. Flat, because a tagged enum cannot preserve the raw text of `data`. Members of single frame types are
/// raw, so that they are ignored in all other frames, without looking at them.
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
    metadata: Option<Box<RawValue>>,
    invocation_id: Option<Box<RawValue>>,
    target: Option<Box<RawValue>>,
    stream: Option<Box<RawValue>>,
    stream_id: Option<Box<RawValue>>,
    stream_sequence_id: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
    state: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamInfo {
    stream_id: String,
    idle_timeout_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamEndError {
    message: Option<String>,
    user_error_code: Option<String>,
}

/// Parses a client's frame. Returns `None` for a control frame.
pub(super) fn read(message: &Message) -> Result<Option<Frame>, Closing> {
    let text = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(_) => {
            return Err(Closing::for_fault(
                CloseCode::Unsupported,
                "The JSON subprotocol requires text messages.",
            ));
        }
        _ => return Ok(None),
    };
    let incoming: Incoming = json_from_str(text).map_err(|_| Invalid("the frame is invalid"))?;
    Ok(Some(incoming.frame()?))
}

impl Incoming {
    fn frame(self) -> Result<Frame, Invalid> {
        let ack_id = self.ack_id;
        let action = match self.r#type.to_ascii_lowercase().as_str() {
            "ping" => return Ok(Frame::Ping),
            "sequenceack" => {
                return self.sequence_id.map(Frame::SequenceAck).ok_or(Invalid("sequenceId is missing"));
            }
            "invoke" => return self.invocation(),
            "cancelinvocation" => return Ok(Frame::CancelInvocation(id(self.invocation_id.as_deref())?)),
            "streamdata" => return self.stream_data(),
            "streamend" => return self.stream_end(),
            "joingroup" => Action::Join(self.group()?),
            "leavegroup" => Action::Leave(self.group()?),
            "sendtogroup" => self.send_to_group()?,
            "event" => self.event()?,
            "setgroupstate" => self.set_group_state()?,
            "subscribegroupstate" => Action::SubscribeState(self.group()?),
            "unsubscribegroupstate" => Action::UnsubscribeState(self.group()?),
            _ => return Err(Invalid("the frame's type is unknown")),
        };
        Ok(Frame::Request { ack_id, action })
    }

    fn send_to_group(self) -> Result<Action, Invalid> {
        let (metadata, time_to_live) = (self.metadata()?, frame::time_to_live(self.ttl_seconds)?);
        let (no_echo, stream) = (self.no_echo, self.stream.as_deref());
        if let Some(StreamInfo { stream_id, idle_timeout_ms }) =
            stream.map(|stream| parse(stream, "stream is invalid")).transpose()?
        {
            let has_data = self.data.is_some() || self.data_type.is_some();
            let (id, group) = (frame::id(stream_id)?, self.group()?);
            let start = StreamStart { id, group, no_echo, idle_timeout: idle_timeout_ms, has_data };
            return Ok(Action::StartStream(start));
        }
        let payload = frame::payload(self.data()?, metadata)?;
        Ok(Action::Send { payload, no_echo, time_to_live, group: self.group()? })
    }

    fn event(self) -> Result<Action, Invalid> {
        self.check_no_stream()?;
        let payload = frame::payload(self.data()?, self.metadata()?)?;
        Ok(Action::Event { payload, name: self.event.ok_or(Invalid("event is missing"))? })
    }

    fn invocation(self) -> Result<Frame, Invalid> {
        self.check_no_stream()?;
        if self.data.is_none() != self.data_type.is_none() {
            return Err(Invalid("dataType and data belong together"));
        }
        Ok(Frame::Invoke(Invocation {
            id: id(self.invocation_id.as_deref())?,
            is_event: self.target.as_deref().is_some_and(|target| target.get() == r#""event""#),
            data: self.data()?,
            metadata: self.metadata()?.unwrap_or_default(),
            event: self.event.unwrap_or_default(),
        }))
    }

    fn stream_data(self) -> Result<Frame, Invalid> {
        let id = id(self.stream_id.as_deref())?;
        let sequence_id = self.stream_sequence_id.as_deref();
        let sequence_id =
            sequence_id.map(|number| parse(number, "streamSequenceId is invalid")).transpose()?;
        let part = match (sequence_id, &self.data_type, &self.data) {
            (Some(sequence_id), Some(_), Some(_)) => {
                let data = self.data()?.ok_or(frame::MISSING_DATA)?;
                StreamPart::Data { sequence_id, data }
            }
            (None, None, None) => StreamPart::KeepAlive,
            _ => StreamPart::Incomplete,
        };
        Ok(Frame::Stream { id, part })
    }

    fn stream_end(self) -> Result<Frame, Invalid> {
        let id = id(self.stream_id.as_deref())?;
        let error = self.error.as_deref();
        let error = error.map(|error| parse::<StreamEndError>(error, "error is invalid")).transpose()?;
        let error = error.map(|error| UserError { message: error.message, code: error.user_error_code });
        Ok(Frame::Stream { id, part: StreamPart::End { error } })
    }

    fn set_group_state(self) -> Result<Action, Invalid> {
        let state = self.state.as_deref();
        let entries = state
            .map(|state| parse::<group_state::Entries>(state, "state is not an object of strings"))
            .transpose()?;
        Ok(Action::SetState { group: self.group()?, entries })
    }

    fn group(self) -> Result<String, Invalid> {
        self.group.ok_or(Invalid("group is missing"))
    }

    fn data(&self) -> Result<Option<Data>, Invalid> {
        let Some(data) = &self.data else { return Ok(None) };
        let data = Data::read(self.data_type.as_deref(), data);
        data.map(Some).ok_or(Invalid("data does not match dataType"))
    }

    fn metadata(&self) -> Result<Option<Metadata>, Invalid> {
        let Some(metadata) = self.metadata.as_deref() else { return Ok(None) };
        let JsonObject(entries) = parse(metadata, "metadata is not an object of strings")?;
        Metadata::new(entries).map(Some)
    }

    /// Streams of clients go to groups only.
    fn check_no_stream(&self) -> Result<(), Invalid> {
        if self.stream.is_some() { Err(frame::UNEXPECTED_STREAM) } else { Ok(()) }
    }
}

fn id(value: Option<&RawValue>) -> Result<String, Invalid> {
    let value = value.ok_or(Invalid("the id is missing"))?;
    frame::id(parse(value, "the id is not a string")?)
}

fn parse<T: DeserializeOwned>(value: &RawValue, otherwise: &'static str) -> Result<T, Invalid> {
    serde_json::from_str(value.get()).map_err(|_| Invalid(otherwise))
}
