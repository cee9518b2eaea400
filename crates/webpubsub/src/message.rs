//! Messages: content and its type as one value.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use service_core::{Call, Error, Result};

/// The service accepts messages up to 1 MB. Whether that means 1,000,000 bytes is up to the service; more than this is
/// certainly too much.
const MAX_BYTES: usize = 1024 * 1024;

/// A message that is sent to connections. It has at most 1 MB.
///
/// Plain WebSocket clients receive text and JSON as text frames, and binary content as binary frames. Clients that speak a
/// subprotocol of the service also receive the content type. `Debug` does not show the content.
///
/// # Examples
///
/// A `&str` or `String` converts into a text message:
///
/// ```
/// use webpubsub::Message;
///
/// assert_eq!(Message::from("hello").content_type(), "text/plain");
/// assert_eq!(Message::json(&["a", "b"]).content_type(), "application/json");
/// assert_eq!(Message::binary(vec![0, 1]).content_type(), "application/octet-stream");
/// ```
#[derive(Clone)]
pub struct Message {
    content_type: &'static str,
    /// Contains `None` if the value could not be serialized.
    body: Option<Bytes>,
}

impl Message {
    /// Creates a text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content_type: "text/plain", body: Some(Bytes::from(text.into())) }
    }

    /// Creates a message that contains a value as JSON. A string becomes a JSON string, including its quotes.
    ///
    /// If the value cannot be serialized, the call that sends the message fails with
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        Self { content_type: "application/json", body: serde_json::to_vec(value).ok().map(Bytes::from) }
    }

    /// Creates a binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self { content_type: "application/octet-stream", body: Some(bytes.into()) }
    }

    /// Returns the content type of the message.
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
        // The text of serde_json is omitted, since it may quote the value.
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

/// Omits the content, which may be confidential.
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
    fn a_message_of_the_maximum_length_is_accepted_and_a_byte_more_is_not() {
        assert!(Message::binary(vec![0; MAX_BYTES]).checked().is_ok());
        let error = Message::binary(vec![0; MAX_BYTES + 1]).checked().unwrap_err();
        assert!(error.to_string().contains("at most 1 MB, has 1048577 bytes"), "{error}");
    }

    #[test]
    fn a_value_that_is_not_json_is_rejected_and_content_is_never_shown() {
        let odd = Message::json(&HashMap::from([((1, "planted"), 2)]));
        assert!(!format!("{odd:?} {:?}", Message::text("planted")).contains("planted"));
        let error = odd.checked().unwrap_err();
        assert!(error.is_invalid_input() && !format!("{error:?}").contains("planted"), "{error}");
    }
}
