//! Reads JSON that a client sent. A byte order mark before the text is skipped, because editors and .NET write one (RFC
//! 8259, section 8.1, allows that).

use serde::Deserialize;

/// Reads a JSON value from a body.
pub(crate) fn json_from_slice<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    serde_json::from_slice(json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json))
}

/// Reads a JSON value from a text.
pub(crate) fn json_from_str<'a, T: Deserialize<'a>>(json: &'a str) -> serde_json::Result<T> {
    serde_json::from_str(json.strip_prefix('\u{FEFF}').unwrap_or(json))
}
