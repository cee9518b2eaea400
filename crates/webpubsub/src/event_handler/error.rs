//! What a handler answers when it does not accept: a status, a text that the caller may see, and a reason that it may not.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use service_core::BoxError;

/// What the methods of an [`EventHandler`](super::EventHandler) return.
pub type Result<T = (), E = HandlerError> = std::result::Result<T, E>;

/// Why a handler does not accept an event.
///
/// The text given to [`refuse`](Self::refuse) and its short forms is the answer's body, which the service hands on to the
/// client of a refused handshake. What stands behind the error, as after `?`, is logged and never sent.
///
/// Does not implement [`std::error::Error`] itself, so that every error that does converts into it.
pub struct HandlerError {
    status: StatusCode,
    text: Option<String>,
    mqtt_code: Option<u8>,
    source: Option<BoxError>,
}

impl HandlerError {
    /// Refuses with this status, 4xx or 5xx, and a text that the client may see.
    ///
    /// Any other status would accept, or mean nothing to the service: it is sent as 500 without the text, and logged.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        if status.is_client_error() || status.is_server_error() {
            return Self { status, text: Some(text.into()), mqtt_code: None, source: None };
        }
        Self::internal(format!("a handler cannot refuse with the status {}", status.as_u16()))
    }

    /// Refuses with 400 and a text that the client may see.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// Refuses with 401 and a text that the client may see.
    pub fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    /// Fails with 500; the reason is logged and not sent.
    pub fn internal(reason: impl Into<BoxError>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            text: None,
            mqtt_code: None,
            source: Some(reason.into()),
        }
    }

    /// The return code (MQTT 3.1.1) or reason code (5.0) of a refused MQTT connection; without it, one is chosen by the
    /// status. Connections of other protocols do not see it.
    #[must_use]
    pub fn mqtt_code(mut self, code: u8) -> Self {
        self.mqtt_code = Some(code);
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the answer says: the given text, or the status in words.
    pub(super) fn public_text(&self) -> &str {
        self.text.as_deref().or(self.status.canonical_reason()).unwrap_or_default()
    }

    pub(super) fn chosen_mqtt_code(&self) -> Option<u8> {
        self.mqtt_code
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::internal(error)
    }
}

/// Status, text and the chain of reasons: for logs, not for answers.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        if let Some(text) = &self.text {
            write!(f, " {text:?}")?;
        }
        let mut next = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(reason) = next {
            write!(f, ": {reason}")?;
            next = reason.source();
        }
        Ok(())
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerError({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_in_logs_and_not_in_answers() {
        let error = HandlerError::from(std::io::Error::other("planted"));
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(error.public_text(), "Internal Server Error");
        assert_eq!(error.to_string(), "500: planted");
        assert_eq!(format!("{error:?}"), "HandlerError(500: planted)");
    }

    #[test]
    fn a_refusal_cannot_accept() {
        for status in [200, 204, 301, 100] {
            let error = HandlerError::new(StatusCode::from_u16(status).unwrap(), "planted");
            assert_eq!((error.status().as_u16(), error.public_text()), (500, "Internal Server Error"));
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
        let error = HandlerError::new(StatusCode::FORBIDDEN, "banned");
        assert_eq!((error.status().as_u16(), error.public_text()), (403, "banned"));
    }
}
