//! What an event carries: JSON that is kept as text until it is asked for, text, or bytes.

use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::InvalidEvent;

/// An event's data, in the form in which it was given or arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// A JSON value: `data` under a JSON content type or none.
    Json(Json),
    /// Text: a string in `data` under any other content type.
    Text(String),
    /// Bytes: `data_base64`.
    Binary(Bytes),
}

impl Data {
    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(json) => json.as_bytes().len(),
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// The bytes that stand for it where nothing is wrapped in JSON, as in the body of a request in binary mode.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match self {
            Self::Json(json) => Bytes::copy_from_slice(json.as_bytes()),
            Self::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Binary(bytes) => bytes.clone(),
        }
    }
}

/// The text of one JSON value, known to be well-formed, and exactly as it was written.
#[derive(Clone)]
pub struct Json(
    /// UTF-8, since serializers and texts alone make it. Not a `str`, since to say so takes a look at every byte.
    Box<[u8]>,
);

thread_local! {
    /// Where values are written before their length is known, so that growing is paid for once and not for every event.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
/// More than this is not kept for the next value.
const KEPT: usize = 64 * 1024;

impl Json {
    pub(crate) fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, InvalidEvent> {
        // A value whose own writing comes here again finds another buffer.
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let written = serde_json::to_writer(&mut scratch, value);
        // The text of the serializer's own error is left out: it may quote a value.
        let json = match written {
            Ok(()) => Ok(Self(scratch.as_slice().into())),
            Err(_) => Err(InvalidEvent::new("data cannot be written as JSON")),
        };
        if scratch.capacity() <= KEPT {
            SCRATCH.set(scratch);
        }
        json
    }

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidEvent> {
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|error| InvalidEvent::json("data is not JSON", &error))?;
        Ok(Self::raw(raw))
    }

    pub(crate) fn raw(raw: &RawValue) -> Self {
        Self(raw.get().as_bytes().into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_bytes() == b"null"
    }

    /// Reads it as a value of the caller's type.
    ///
    /// # Errors
    ///
    /// JSON that does not fit the type; what was expected is told, and where.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, InvalidEvent> {
        serde_json::from_slice(&self.0)
            .map_err(|error| InvalidEvent::json("the JSON does not fit the type asked for", &error))
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

/// Whether data of that content type is JSON: `*/json` and `*/*+json`, whatever the case and the parameters, and none at
/// all ([JSON format, 3.1](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#31-handling-of-data)).
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    // Nearly always one of these.
    let Some(content_type) = content_type.filter(|kind| *kind != "application/json") else { return true };
    let Some((_, subtype)) = essence(content_type).split_once('/') else { return false };
    let tail = subtype.rsplit('+').next().unwrap_or_default();
    tail.eq_ignore_ascii_case("json")
}

/// A content type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether `text` begins so, in any case.
pub(crate) fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_the_subtype_alone() {
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
