//! Writes the JSON frames of the client member by member. Text without escapes, which most text is, is copied as a whole.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::plain::plain_bytes;
use crate::client::data::Data;
use crate::client::entries::Entries;

/// The length of a frame without its names and data: member names, ids, and punctuation.
const OVERHEAD: usize = 160;

/// An unfinished JSON object.
pub(super) struct Writer(String);

impl Writer {
    /// Starts a frame of this type with room for `content` bytes of names and data.
    pub(super) fn new(r#type: &'static str, content: usize) -> Self {
        let mut json = String::with_capacity(OVERHEAD + content);
        json.push_str("{\"type\":\"");
        json.push_str(r#type);
        json.push('"');
        Self(json)
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    pub(super) fn text(mut self, name: &'static str, text: &str) -> Self {
        self.name(name);
        self.quoted(text);
        self
    }

    pub(super) fn number(mut self, name: &'static str, number: Option<u64>) -> Self {
        if let Some(number) = number {
            self.name(name);
            self.display(format_args!("{number}"));
        }
        self
    }

    /// Writes a member that is left out if it is `false`.
    pub(super) fn flag(mut self, name: &'static str, flag: bool) -> Self {
        if flag {
            self.name(name);
            self.0.push_str("true");
        }
        self
    }

    /// Writes an object with the members that `members` writes.
    #[cfg(feature = "preview")]
    pub(super) fn object(mut self, name: &'static str, members: impl FnOnce(Self) -> Self) -> Self {
        self.name(name);
        let start = self.0.len();
        let mut object = members(self);
        // Each member is written with a comma before it.
        let first = object.0.get(start..).is_some_and(|members| members.starts_with(','));
        object.0.replace_range(start..start + usize::from(first), "{");
        object.0.push('}');
        object
    }

    /// Writes a map of strings, including an empty one.
    pub(super) fn entries(mut self, name: &'static str, entries: Option<&Entries>) -> Self {
        if let Some(Entries(entries)) = entries {
            self.name(name);
            let mut separator = '{';
            for (key, value) in entries {
                self.0.push(std::mem::replace(&mut separator, ','));
                self.quoted(key);
                self.0.push(':');
                self.quoted(value);
            }
            self.0.push_str(if entries.is_empty() { "{}" } else { "}" });
        }
        self
    }

    pub(super) fn data(self, data: &Data) -> Self {
        match data {
            Data::Text(text) => self.data_type("text").text("data", text),
            Data::Json(json) => {
                let mut frame = self.data_type("json");
                frame.name("data");
                frame.0.push_str(json.as_str());
                frame
            }
            Data::Binary(bytes) => self.data_type("binary").base64(bytes),
            Data::Protobuf(bytes) => self.data_type("protobuf").base64(bytes),
        }
    }

    fn data_type(self, name: &'static str) -> Self {
        self.text("dataType", name)
    }

    fn base64(mut self, bytes: &[u8]) -> Self {
        self.name("data");
        self.0.push('"');
        STANDARD.encode_string(bytes, &mut self.0);
        self.0.push('"');
        self
    }

    fn name(&mut self, name: &'static str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn quoted(&mut self, mut text: &str) {
        self.0.push('"');
        while let Some((plain, rest)) = text.split_at_checked(plain_bytes(text.as_bytes())) {
            self.0.push_str(plain);
            let mut chars = rest.chars();
            match chars.next() {
                None => break,
                Some('"') => self.0.push_str("\\\""),
                Some('\\') => self.0.push_str("\\\\"),
                Some('\n') => self.0.push_str("\\n"),
                Some('\r') => self.0.push_str("\\r"),
                Some('\t') => self.0.push_str("\\t"),
                Some(control) => self.display(format_args!("\\u{:04x}", u32::from(control))),
            }
            text = chars.as_str();
        }
        self.0.push('"');
    }

    fn display(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(text);
    }
}

/// Returns about how long the data is in a frame.
pub(super) fn length(data: &Data) -> usize {
    match data {
        Data::Text(text) => text.len(),
        Data::Json(json) => json.as_str().len(),
        Data::Binary(bytes) | Data::Protobuf(bytes) => bytes.len() / 3 * 4,
    }
}
