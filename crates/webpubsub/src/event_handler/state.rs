//! The state that a handler stores at the service for a connection. Each later event contains it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_core::{Error, ErrorKind, Result};

use super::MAX_HEADER_BYTES;
use crate::json;

/// The maximum size in bytes that an encoded connection state can have. It is half of the maximum size of
/// [headers](super::MAX_HEADER_BYTES): with a larger state, later events of the connection would be rejected.
pub const MAX_STATE_BYTES: usize = MAX_HEADER_BYTES / 2;

/// A state that the service stores for a connection. A response to `connect` or to a user event sets it, and later events
/// contain it.
///
/// The official libraries write a JSON object in base64, as [`json`](Self::json) does. `Debug` does not show the content.
///
/// # Examples
///
/// ```
/// use webpubsub::event_handler::ConnectionState;
///
/// # fn main() -> webpubsub::Result<()> {
/// let state = ConnectionState::json(&["lobby", "news"])?;
/// assert_eq!(state.decode::<Vec<String>>()?, ["lobby", "news"]);
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionState(String);

impl ConnectionState {
    /// Creates a state from a value, which is encoded as JSON in base64. Use an object if handlers in other languages read
    /// it too.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`] if the value cannot be serialized as JSON, or if its base64 text is longer than
    /// [`MAX_STATE_BYTES`].
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Error::invalid_input("connection state", "cannot be written as JSON", None).with_source(error)
        })?;
        Self::bounded(STANDARD.encode(json))
    }

    /// Creates a state from a text, which is stored verbatim.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`] if the text is empty, is longer than [`MAX_STATE_BYTES`], or contains characters
    /// that a header cannot contain. Visible ASCII characters and spaces between them are allowed.
    pub fn raw(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let safe = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if text.is_empty() || !safe || text.trim() != text {
            let rule = "must be visible ASCII, not empty, and without leading or trailing spaces";
            return Err(Error::invalid_input("connection state", rule, None));
        }
        Self::bounded(text)
    }

    fn bounded(text: String) -> Result<Self> {
        if text.len() > MAX_STATE_BYTES {
            let rule = format!("must be at most {MAX_STATE_BYTES} bytes when encoded, has {}", text.len());
            return Err(Error::invalid_input("connection state", &rule, None));
        }
        Ok(Self(text))
    }

    pub(super) fn received(text: String) -> Self {
        Self(text)
    }

    /// Returns the encoded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Decodes the value that [`json`](Self::json) or an official library encoded.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Decode`] if the text is not base64, or if its content cannot be deserialized as `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        let invalid = |text| Error::new(ErrorKind::Decode, text);
        let decoded = STANDARD.decode(&self.0).map_err(|_| invalid("the connection state is not base64"))?;
        json::parse(&decoded).map_err(|_| invalid("the connection state is not the expected JSON"))
    }

    pub(super) fn header(&self) -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0)
            .map_err(|_| Error::invalid_input("connection state", "must be a valid header value", None))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionState({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_state_is_written_as_official_libraries_do_and_read_back() {
        let value = BTreeMap::from([("a".to_owned(), 1)]);
        let state = ConnectionState::json(&value).unwrap();
        assert_eq!(state.as_str(), "eyJhIjoxfQ==");
        assert_eq!(state.decode::<BTreeMap<String, i32>>().unwrap(), value);
        let marked = ConnectionState::received(STANDARD.encode("\u{feff}{\"a\":1}"));
        assert_eq!(marked.decode::<BTreeMap<String, i32>>().unwrap(), value);
        assert_eq!(format!("{state:?}"), "ConnectionState(12 bytes)");
        assert!(state.header().unwrap().is_sensitive());
    }

    #[test]
    fn a_state_that_is_not_a_header_or_not_the_expected_value_is_rejected_without_repeating_it() {
        for bad in ["", " planted", "planted\r\nSet-Cookie: x", "plänted"] {
            let error = ConnectionState::raw(bad).unwrap_err();
            assert!(error.is_invalid_input() && !error.to_string().contains("pl"), "{error}");
        }
        for bad in ["planted!", "cGxhbnRlZA==", "eyJhIjoxfQ=="] {
            let error = ConnectionState::received(bad.to_owned()).decode::<Vec<u8>>().unwrap_err();
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
        assert_eq!(ConnectionState::raw("a b").unwrap().as_str(), "a b");
    }

    #[test]
    fn a_state_that_later_events_could_not_contain_is_rejected() {
        assert!(ConnectionState::raw("x".repeat(MAX_STATE_BYTES)).is_ok());
        let raw = ConnectionState::raw("x".repeat(MAX_STATE_BYTES + 1));
        let json = ConnectionState::json(&"x".repeat(MAX_STATE_BYTES * 3 / 4));
        for error in [raw.unwrap_err(), json.unwrap_err()] {
            let text = error.to_string();
            assert!(error.is_invalid_input() && text.contains("at most 32768 bytes"), "{text}");
        }
    }
}
