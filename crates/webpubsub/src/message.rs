//! What is sent to connections: content and its type, as one value.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use service_core::{Call, Error, Result};

/// The service takes messages up to 1 MB. Whether that means 1,000,000 bytes is the service's to say; more than this is
/// certainly too much.
const MAX_BYTES: usize = 1024 * 1024;

/// A message, at most 1 MB long.
///
/// Plain WebSocket clients receive text and JSON as text frames and binary content as binary frames; clients of a
/// subprotocol are told the type besides.
#[derive(Clone)]
pub struct Message {
    content_type: &'static str,
    /// `None` for a value that could not be written as JSON.
    body: Option<Bytes>,
}

impl Message {
    /// A text. A `&str` or `String` is taken as one wherever a message is asked for.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content_type: "text/plain", body: Some(Bytes::from(text.into())) }
    }

    /// A value as JSON; one that cannot be written as JSON is an error of the call. A text becomes a JSON string, quotes
    /// included.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        Self { content_type: "application/json", body: serde_json::to_vec(value).ok().map(Bytes::from) }
    }

    /// Bytes, which arrive as they are.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self { content_type: "application/octet-stream", body: Some(bytes.into()) }
    }

    /// The content type under which it is sent.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    pub(crate) fn put<T>(self, call: &mut Call<T>) {
        match self.checked() {
            Ok((content_type, body)) => call.body(content_type, body),
            Err(error) => call.check(Err(error)),
        }
    }

    fn checked(self) -> Result<(&'static str, Bytes)> {
        // What serde_json has to say is left out: it may quote the value.
        let body =
            self.body.ok_or_else(|| Error::invalid_input("message", "cannot be written as JSON", None))?;
        if body.len() > MAX_BYTES {
            let rule = format!("must be at most 1 MB, has {} bytes", body.len());
            return Err(Error::invalid_input("message", &rule, None));
        }
        Ok((self.content_type, body))
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// Without the content, which is the sender's business alone.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.as_ref().map(Bytes::len);
        f.debug_struct("Message").field("content_type", &self.content_type).field("bytes", &bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_message_of_the_longest_length_is_taken_and_a_byte_more_is_not() {
        assert!(Message::binary(vec![0; MAX_BYTES]).checked().is_ok());
        let error = Message::binary(vec![0; MAX_BYTES + 1]).checked().unwrap_err();
        assert!(error.to_string().contains("at most 1 MB, has 1048577 bytes"), "{error}");
    }

    #[test]
    fn what_is_no_json_is_refused_and_content_is_never_shown() {
        let odd = Message::json(&HashMap::from([((1, "planted"), 2)]));
        assert!(!format!("{odd:?} {:?}", Message::text("planted")).contains("planted"));
        let error = odd.checked().unwrap_err();
        assert!(error.is_invalid_input() && !format!("{error:?}").contains("planted"), "{error}");
    }
}
