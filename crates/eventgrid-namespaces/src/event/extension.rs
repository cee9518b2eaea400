//! The values of extension attributes, typed as far as JSON distinguishes the types.

use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{InvalidEvent, Json, timestamp};

/// Contains the value of an extension attribute.
///
/// JSON distinguishes Booleans, Integers and Strings. Bytes, URIs and times are Strings, for which there are helper functions.
/// In binary mode, all values arrive as Strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ExtensionValue {
    /// The value is a Boolean.
    Boolean(bool),
    /// The value is an Integer: -2,147,483,648 to 2,147,483,647.
    Integer(i32),
    /// The value is a String, or of a type that is written as one.
    String(String),
    /// The value is other JSON, as received: a number with a fraction or beyond 32 bits, an array, or an object.
    ///
    /// CloudEvents does not define such values, so no event can be built with one.
    Json(Json),
}

impl ExtensionValue {
    /// Creates a Binary value, which is written as base64.
    #[must_use]
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::String(STANDARD.encode(bytes))
    }

    /// Creates a Timestamp value, which is written as RFC 3339 in UTC.
    ///
    /// # Errors
    ///
    /// Returns an error if the time is not in the years 0 to 9999.
    pub fn from_time(time: SystemTime) -> Result<Self, InvalidEvent> {
        timestamp::format(time).map(Self::String)
    }

    /// Returns the value if it is a Boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Boolean(value) = self { Some(*value) } else { None }
    }

    /// Returns the value if it is an Integer.
    #[must_use]
    pub fn as_integer(&self) -> Option<i32> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// Returns the value if it is a String.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(value) = self { Some(value) } else { None }
    }

    /// Decodes a Binary value.
    ///
    /// # Errors
    ///
    /// Returns an error if the value is not base64 text.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidEvent> {
        let bytes = self.as_str().and_then(|text| STANDARD.decode(text).ok());
        bytes.ok_or_else(|| InvalidEvent::new("the extension's value is not base64"))
    }

    /// Parses a Timestamp value.
    ///
    /// # Errors
    ///
    /// Returns an error if the value is not an RFC 3339 timestamp.
    pub fn to_time(&self) -> Result<SystemTime, InvalidEvent> {
        let time = self.as_str().and_then(timestamp::parse);
        time.ok_or_else(|| InvalidEvent::new("the extension's value is not an RFC 3339 timestamp"))
    }

    /// Reads a JSON value. Returns `None` for `null`, which means that the attribute is absent.
    pub(super) fn read(raw: &RawValue) -> Result<Option<Self>, serde_json::Error> {
        let text = raw.get();
        Ok(Some(match text.as_bytes() {
            [b'n', ..] => return Ok(None),
            [b'"', ..] => Self::String(serde_json::from_str(text)?),
            [b't', ..] => Self::Boolean(true),
            [b'f', ..] => Self::Boolean(false),
            // A number with a fraction or an exponent is not an Integer, even if its value is whole.
            _ => text.parse().map_or_else(|_| Self::Json(Json::raw(raw)), Self::Integer),
        }))
    }
}

/// Writes the canonical string, as in binary mode, or the JSON text if there is no canonical string.
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
