//! What a handler keeps at the service for a connection: a text that comes back with each later event.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_core::{Error, ErrorKind, Result};

use super::MAX_HEADER_BYTES;

/// The most bytes of a connection's state as it travels: half of what a webhook takes in [headers](super::MAX_HEADER_BYTES).
/// A larger one could be set, but no later event of the connection would get through.
pub const MAX_STATE_BYTES: usize = MAX_HEADER_BYTES / 2;

/// The state of a connection, as an answer to `connect` or to a user event sets it and later events bring it back.
///
/// Official handlers write a JSON object in base64, as [`json`](Self::json) does. `Debug` does not show the content.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionState(String);

impl ConnectionState {
    /// A value as JSON in base64; an object, where handlers of other languages read it too.
    ///
    /// # Errors
    ///
    /// The value does not serialise as JSON, or comes to more than [`MAX_STATE_BYTES`] in base64.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Error::invalid_input("connection state", "cannot be written as JSON", None).with_source(error)
        })?;
        Self::bounded(STANDARD.encode(json))
    }

    /// A text as it is.
    ///
    /// # Errors
    ///
    /// The text is empty, longer than [`MAX_STATE_BYTES`], or has characters that a header cannot hold: anything but visible
    /// ASCII and inner blanks.
    pub fn raw(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let safe = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if text.is_empty() || !safe || text.trim() != text {
            let rule = "must be visible ASCII, not empty, without blanks at its ends";
            return Err(Error::invalid_input("connection state", rule, None));
        }
        Self::bounded(text)
    }

    fn bounded(text: String) -> Result<Self> {
        if text.len() > MAX_STATE_BYTES {
            let rule = format!("must be at most {MAX_STATE_BYTES} bytes as it travels, has {}", text.len());
            return Err(Error::invalid_input("connection state", &rule, None));
        }
        Ok(Self(text))
    }

    pub(super) fn received(text: String) -> Self {
        Self(text)
    }

    /// The text as it travels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the value that [`json`](Self::json) or an official handler wrote.
    ///
    /// # Errors
    ///
    /// The text is not base64 of JSON, or the JSON is not such a value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        let invalid = |text| Error::new(ErrorKind::Decode, text);
        let json = STANDARD.decode(&self.0).map_err(|_| invalid("the connection state is not in base64"))?;
        serde_json::from_slice(&json).map_err(|_| invalid("the connection state is not the expected JSON"))
    }

    pub(super) fn header(&self) -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0)
            .map_err(|_| Error::invalid_input("connection state", "must fit a header", None))?;
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
    fn a_state_is_written_as_official_handlers_do_and_read_back() {
        let value = BTreeMap::from([("a".to_owned(), 1)]);
        let state = ConnectionState::json(&value).unwrap();
        assert_eq!(state.as_str(), "eyJhIjoxfQ==");
        assert_eq!(state.decode::<BTreeMap<String, i32>>().unwrap(), value);
        assert_eq!(format!("{state:?}"), "ConnectionState(12 bytes)");
        assert!(state.header().unwrap().is_sensitive());
    }

    #[test]
    fn a_state_that_is_no_header_or_not_what_was_expected_is_refused_without_repeating_it() {
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
    fn a_state_that_could_not_come_back_is_refused() {
        assert!(ConnectionState::raw("x".repeat(MAX_STATE_BYTES)).is_ok());
        let raw = ConnectionState::raw("x".repeat(MAX_STATE_BYTES + 1));
        let json = ConnectionState::json(&"x".repeat(MAX_STATE_BYTES * 3 / 4));
        for error in [raw.unwrap_err(), json.unwrap_err()] {
            let text = error.to_string();
            assert!(error.is_invalid_input() && text.contains("at most 32768 bytes"), "{text}");
        }
    }
}
