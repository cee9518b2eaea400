//! Extension attributes: their values, typed as far as JSON can tell the types apart.

use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{InvalidEvent, Json, timestamp};

/// The value of an extension attribute.
///
/// JSON tells a Boolean, an Integer and a String apart; bytes, URIs and times are Strings, for which there are helpers. In
/// binary mode all of them arrive as Strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ExtensionValue {
    /// A Boolean.
    Boolean(bool),
    /// An Integer: -2,147,483,648 to 2,147,483,647.
    Integer(i32),
    /// A String, or a value of a type that is written as one.
    String(String),
    /// JSON of any other kind, as it was received: a number with a fraction or beyond 32 bits, an array, an object. CloudEvents
    /// has no such values, so no event can be built with one.
    Json(Json),
}

impl ExtensionValue {
    /// A Binary value: written as base64.
    #[must_use]
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::String(STANDARD.encode(bytes))
    }

    /// A Timestamp value: written as RFC 3339 in UTC.
    ///
    /// # Errors
    ///
    /// A time outside the years 0 to 9999.
    pub fn from_time(time: SystemTime) -> Result<Self, InvalidEvent> {
        timestamp::format(time).map(Self::String)
    }

    /// The Boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Boolean(value) = self { Some(*value) } else { None }
    }

    /// The Integer, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i32> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// The String, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(value) = self { Some(value) } else { None }
    }

    /// The bytes of a Binary value.
    ///
    /// # Errors
    ///
    /// A value that is no base64 text.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidEvent> {
        let bytes = self.as_str().and_then(|text| STANDARD.decode(text).ok());
        bytes.ok_or_else(|| InvalidEvent::new("the extension's value is not base64"))
    }

    /// The time of a Timestamp value.
    ///
    /// # Errors
    ///
    /// A value that is no RFC 3339 text.
    pub fn to_time(&self) -> Result<SystemTime, InvalidEvent> {
        let time = self.as_str().and_then(timestamp::parse);
        time.ok_or_else(|| InvalidEvent::new("the extension's value is not a time of RFC 3339"))
    }

    /// Reads a JSON value; `null` is an attribute that is absent.
    pub(super) fn read(raw: &RawValue) -> Result<Option<Self>, serde_json::Error> {
        let text = raw.get();
        Ok(Some(match text.as_bytes() {
            [b'n', ..] => return Ok(None),
            [b'"', ..] => Self::String(serde_json::from_str(text)?),
            [b't', ..] => Self::Boolean(true),
            [b'f', ..] => Self::Boolean(false),
            // A fraction or an exponent is no Integer even where its value is whole.
            _ => text.parse().map_or_else(|_| Self::Json(Json::raw(raw)), Self::Integer),
        }))
    }
}

/// The canonical string, as binary mode writes it; the JSON text of what has none.
impl fmt::Display for ExtensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::String(value) => f.write_str(value),
            Self::Json(json) => json.fmt(f),
        }
    }
}

impl From<bool> for ExtensionValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for ExtensionValue {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for ExtensionValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for ExtensionValue {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}
