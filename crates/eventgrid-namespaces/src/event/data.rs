//! An event's data: JSON that stays text until it is decoded, text, or bytes.

use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::InvalidEvent;

/// Contains an event's data in the form in which it was set or received.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// The data is a JSON value: `data` with a JSON content type or without a content type.
    Json(Json),
    /// The data is text: a string in `data` with any other content type.
    Text(String),
    /// The data is binary: `data_base64`.
    Binary(Bytes),
}

impl Data {
    /// Returns the size in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(json) => json.as_bytes().len(),
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Returns the bytes that are the body of a request in binary mode.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match self {
            Self::Json(json) => Bytes::copy_from_slice(json.as_bytes()),
            Self::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Binary(bytes) => bytes.clone(),
        }
    }
}

/// Contains the text of one well-formed JSON value, verbatim.
#[derive(Clone)]
pub struct Json(
    /// Always UTF-8, since it comes from serializers and strings only. Not a `str`, since validation would read every byte.
    Box<[u8]>,
);

thread_local! {
    /// The buffer that values are written to before their length is known, so that it grows once rather than for every event.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
/// A larger buffer is not kept for the next value.
const MAX_SCRATCH_BYTES: usize = 64 * 1024;

impl Json {
    pub(crate) fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, InvalidEvent> {
        // A value whose serialization calls this function again gets another buffer.
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let written = serde_json::to_writer(&mut scratch, value);
        // The serializer's error text is omitted because it may quote a value.
        let json = match written {
            Ok(()) => Ok(Self(scratch.as_slice().into())),
            Err(_) => Err(InvalidEvent::new("the data cannot be serialized as JSON")),
        };
        if scratch.capacity() <= MAX_SCRATCH_BYTES {
            SCRATCH.set(scratch);
        }
        json
    }

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidEvent> {
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|error| InvalidEvent::json("the data is not JSON", &error))?;
        Ok(Self::raw(raw))
    }

    pub(crate) fn raw(raw: &RawValue) -> Self {
        Self(raw.get().as_bytes().into())
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns `true` if the value is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_bytes() == b"null"
    }

    /// Deserializes the JSON as a value of type `T`.
    ///
    /// # Errors
    ///
    /// Returns an error if the JSON does not match `T`. It reports what was expected and where.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, InvalidEvent> {
        serde_json::from_slice(&self.0)
            .map_err(|error| InvalidEvent::json("the JSON does not match the requested type", &error))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_slice(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns whether data of that content type is JSON: `*/json` and `*/*+json` in any case and with any parameters, and no content
/// type ([JSON format, 3.1](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#31-handling-of-data)).
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    // The common cases first.
    let Some(content_type) = content_type.filter(|kind| *kind != "application/json") else { return true };
    let Some((_, subtype)) = essence(content_type).split_once('/') else { return false };
    let tail = subtype.rsplit('+').next().unwrap_or_default();
    tail.eq_ignore_ascii_case("json")
}

/// Returns the text without a byte order mark, which some writers put before JSON.
pub(crate) fn without_bom(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)
}

/// Returns a content type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Returns whether `text` starts with `prefix`, ignoring case.
pub(crate) fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_subtype_decides_what_is_json() {
        for (content_type, json) in [
            (None, true),
            (Some("application/json"), true),
            (Some("Application/JSON"), true),
            (Some("application/vnd.api+json; charset=utf-8"), true),
            (Some("application/cloudevents+json"), true),
            (Some("image/json"), true),
            (Some("text/json ;x=y"), true),
            (Some("application/json-seq"), false),
            (Some("application/jsonl"), false),
            (Some("application/xml; type=application/json"), false),
            (Some("text/plain"), false),
            (Some("json"), false),
            (Some(""), false),
        ] {
            assert_eq!(is_json(content_type), json, "{content_type:?}");
        }
    }

    #[test]
    fn an_error_names_what_was_expected_and_repeats_no_value() {
        #[derive(Debug, Deserialize)]
        struct Order {
            #[expect(dead_code, reason = "only its absence is looked at")]
            total: u32,
        }
        for (json, expected) in [
            (r#"{"total":"planted, expected nothing"}"#, "(expected u32), at line 1 column"),
            (r#"{"sum":"planted"}"#, "(missing field `total`), at line 1 column"),
            (r#""planted""#, "(expected struct Order), at line 1 column"),
        ] {
            let error = Json::parse(json).unwrap().decode::<Order>().unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("planted"), "{error}");
        }
    }
}
