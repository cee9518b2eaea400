//! The error with which a handler rejects an event: a status, a text that the client can see, and a cause that it cannot
//! see.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use service_core::BoxError;

/// The `Result` that the methods of an [`EventHandler`](super::EventHandler) return.
pub type Result<T = (), E = HandlerError> = std::result::Result<T, E>;

/// An error with which a handler rejects an event: an HTTP status, a text for the client, and a cause for the log.
///
/// The text that is given to [`new`](Self::new), [`bad_request`](Self::bad_request), or
/// [`unauthorized`](Self::unauthorized) becomes the body of the response. The service passes it on to the client of a
/// rejected handshake. The cause, such as an error that was converted by `?`, is logged and never sent.
///
/// `HandlerError` does not implement [`std::error::Error`], so that every error that does converts into it.
///
/// # Examples
///
/// ```
/// use webpubsub::event_handler::HandlerError;
///
/// let rejection = HandlerError::unauthorized("sign in first");
/// assert_eq!(rejection.status(), 401);
///
/// let failure = HandlerError::from(std::io::Error::other("the database is down"));
/// assert_eq!(failure.status(), 500); // the cause is logged, not sent
/// ```
pub struct HandlerError {
    status: StatusCode,
    text: Option<String>,
    mqtt_code: Option<u8>,
    source: Option<BoxError>,
}

impl HandlerError {
    /// Creates an error with a status, 4xx or 5xx, and a text that the client can see.
    ///
    /// Any other status cannot reject an event: it is replaced by 500, the text is not sent, and the mistake is logged.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        if status.is_client_error() || status.is_server_error() {
            return Self { status, text: Some(text.into()), mqtt_code: None, source: None };
        }
        Self::internal(format!("a handler cannot reject an event with status {}", status.as_u16()))
    }

    /// Creates an error with status 400 and a text that the client can see.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// Creates an error with status 401 and a text that the client can see.
    pub fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    /// Creates an error with status 500. The reason is logged and not sent.
    pub fn internal(reason: impl Into<BoxError>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            text: None,
            mqtt_code: None,
            source: Some(reason.into()),
        }
    }

    /// Sets the return code (MQTT 3.1.1) or reason code (MQTT 5.0) with which an MQTT connection is rejected. By default,
    /// it is derived from the status. Other connections ignore it.
    #[must_use]
    pub fn mqtt_code(mut self, code: u8) -> Self {
        self.mqtt_code = Some(code);
        self
    }

    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the body of the response: the given text, or the reason phrase of the status.
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

/// Formats the status, the text, and the chain of causes for logs. It is not sent to clients.
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
    fn a_reason_appears_in_logs_and_not_in_responses() {
        let error = HandlerError::from(std::io::Error::other("planted"));
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(error.public_text(), "Internal Server Error");
        assert_eq!(error.to_string(), "500: planted");
        assert_eq!(format!("{error:?}"), "HandlerError(500: planted)");
    }

    #[test]
    fn a_rejection_cannot_accept() {
        for status in [200, 204, 301, 100] {
            let error = HandlerError::new(StatusCode::from_u16(status).unwrap(), "planted");
            assert_eq!((error.status().as_u16(), error.public_text()), (500, "Internal Server Error"));
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
        let error = HandlerError::new(StatusCode::FORBIDDEN, "banned");
        assert_eq!((error.status().as_u16(), error.public_text()), (403, "banned"));
    }
}
