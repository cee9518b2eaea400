//! A message for clients, independent of the form in which each of them receives it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::metadata::Metadata;

/// A message and its sender.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) from: From,
    pub(super) payload: Payload,
    /// The place of a fragment in its stream. `None` for any other message.
    pub(super) stream: Option<Fragment>,
    /// How long it may wait for a slow client. `None` means indefinitely.
    pub(super) time_to_live: Option<Duration>,
}

/// What a message contains.
#[derive(Debug, Clone)]
pub(super) struct Payload {
    pub(super) data: Data,
    pub(super) metadata: Metadata,
}

/// The place of a message in a group stream (previews, section 3).
#[derive(Debug, Clone)]
pub(super) struct Fragment {
    pub(super) stream_id: String,
    pub(super) sequence_id: u64,
    /// The end of the stream, in its last message.
    pub(super) end: Option<StreamEnd>,
}

/// The end of a stream, as subscribers see it.
#[derive(Debug, Clone, Default)]
pub(super) struct StreamEnd {
    /// `None` if the publisher ended the stream without an error.
    pub(super) error: Option<StreamError>,
}

/// The error that ended a stream.
#[derive(Debug, Clone)]
pub(super) struct StreamError {
    pub(super) name: &'static str,
    pub(super) message: Option<String>,
    /// A code of the publisher's own.
    pub(super) user_error_code: Option<String>,
}

/// The maximum time to live, in seconds. 0 means indefinitely (webpubsub REST, section 1).
pub(super) const MAX_SECONDS: u32 = 300;

/// Parses a time to live in seconds. Returns `None` if it is out of bounds.
pub(super) fn time_to_live(seconds: u32) -> Option<Option<Duration>> {
    let time = Duration::from_secs(seconds.into());
    (seconds <= MAX_SECONDS).then(|| Some(time).filter(|time| !time.is_zero()))
}

impl Delivery {
    /// A message that is not part of a stream.
    pub(super) fn new(from: From, payload: impl Into<Payload>) -> Self {
        Self { from, payload: payload.into(), stream: None, time_to_live: None }
    }

    /// Whether it only reports the end of a stream.
    pub(super) fn is_bare_end(&self) -> bool {
        self.stream.as_ref().is_some_and(|fragment| fragment.end.is_some())
    }
}

impl std::convert::From<Data> for Payload {
    fn from(data: Data) -> Self {
        Self { data, metadata: Metadata::default() }
    }
}

/// The origin of a message, as the receiver sees it.
#[derive(Debug, Clone)]
pub(super) enum From {
    Group { group: String, user: Option<String> },
    Server,
}

/// The payload.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Text(String),
    /// Kept verbatim: parsing would sort members and round numbers.
    Json(Box<RawValue>),
    Binary(Bytes),
    /// A serialized `google.protobuf.Any`.
    Protobuf(Bytes),
}

impl Data {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Json(json) => json.get().len(),
            Self::Binary(bytes) | Self::Protobuf(bytes) => bytes.len(),
        }
    }

    /// Reads the `dataType` and `data` of a frame. Returns `None` if they do not match.
    pub(super) fn read(data_type: Option<&str>, data: &RawValue) -> Option<Self> {
        let text = || serde_json::from_str::<String>(data.get()).ok();
        let bytes = || STANDARD.decode(text()?).ok().map(Bytes::from);
        match data_type.unwrap_or("json").to_ascii_lowercase().as_str() {
            "json" => (data.get() != "null").then(|| Self::Json(data.to_owned())),
            "text" => text().map(Self::Text),
            "binary" => bytes().map(Self::Binary),
            "protobuf" => bytes().map(Self::Protobuf),
            _ => None,
        }
    }

    /// The `dataType` and `data` of a frame.
    pub(super) fn write(&self) -> (&'static str, String) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Self::Text(text) => ("text", quoted(text)),
            Self::Json(json) => ("json", json.get().to_owned()),
            Self::Binary(bytes) => ("binary", quoted(&STANDARD.encode(bytes))),
            Self::Protobuf(bytes) => ("protobuf", quoted(&STANDARD.encode(bytes))),
        }
    }
}
