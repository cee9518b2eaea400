//! How messages and notices are shown.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use webpubsub::Metadata;
use webpubsub::client::Data;
use webpubsub::event_handler::Data as EventData;

use crate::table::printable;

/// Returns the kind of a received message and its content as JSON.
pub(super) fn received(data: &Data) -> (&'static str, Value) {
    match data {
        Data::Text(text) => ("text", Value::from(text.as_str())),
        Data::Json(json) => ("json", json.parse().unwrap_or_else(|_| Value::from(json.as_str()))),
        Data::Binary(bytes) => ("binary", Value::from(STANDARD.encode(bytes))),
        Data::Protobuf(bytes) => ("protobuf", Value::from(STANDARD.encode(bytes))),
        _ => ("unknown", Value::Null),
    }
}

/// Returns the kind of a webhook's event and its content as JSON.
pub(super) fn pushed(data: &EventData) -> (&'static str, Value) {
    let bytes = data.as_bytes();
    match data {
        EventData::Text(text) => ("text", Value::from(text.as_str())),
        EventData::Json(json) => ("json", serde_json::from_slice(json).unwrap_or_default()),
        EventData::Binary(_) => ("binary", Value::from(STANDARD.encode(bytes))),
        EventData::Protobuf(_) => ("protobuf", Value::from(STANDARD.encode(bytes))),
        _ => ("unknown", Value::Null),
    }
}

/// Returns the metadata of a message as JSON, or null if it has none.
pub(super) fn metadata(metadata: Option<&Metadata>) -> Value {
    match metadata {
        Some(metadata) if !metadata.is_empty() => metadata.iter().collect(),
        _ => Value::Null,
    }
}

/// Returns the content and the metadata as text for people.
pub(super) fn message(data: &Value, metadata: &Value) -> String {
    match metadata.as_object() {
        Some(entries) => {
            let entries =
                entries.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
            format!("{} ({})", text(data), pairs(entries))
        }
        None => text(data),
    }
}

/// Returns names and values as text for people.
pub(super) fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// Returns the content as text for people: a string without quotes.
pub(super) fn text(data: &Value) -> String {
    data.as_str().map_or_else(|| data.to_string(), str::to_owned)
}

/// Writes a line to standard error. If it is closed, the line is lost.
pub(super) fn notice(line: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(line));
}
