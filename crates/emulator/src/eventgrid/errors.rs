//! The service's responses: results in JSON, and errors with the body and headers that were observed.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use std::time::SystemTime;
use time::OffsetDateTime;
use time::macros::format_description;

use super::lock_token::guid;
use crate::message::{Content, Response};

/// An error response before its body is written.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ArgumentInvalid", message)
    }

    pub(super) fn not_json() -> Self {
        Self::bad_request("Json deserialize error")
    }

    pub(super) fn too_large(message: &str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "MessageTooLarge", message)
    }

    pub(super) fn unsupported_media_type(content_type: &str) -> Self {
        let message = format!("Content type '{content_type}' is not supported");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// Observed for a failure inside the service.
    pub(super) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ServerError", "Unexpected server error")
    }

    /// Writes the error response, with the members that the service sends although its schema lacks them.
    pub(super) fn into_response(self, now: SystemTime) -> Response {
        let error = ErrorBody {
            code: self.code,
            message: &self.message,
            timestamp_utc: timestamp(now),
            tracking_id: guid(),
        };
        let mut response = json(RECEIVED, &ErrorResponse { error }).unwrap_or_default();
        *response.status_mut() = self.status;
        response.headers_mut().insert("broker-errorcode", HeaderValue::from_static(self.code));
        response
    }
}

#[derive(Serialize)]
struct ErrorResponse<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    timestamp_utc: String,
    tracking_id: String,
}

/// The content type of publish and settle results: observed without a charset.
pub(super) const SETTLED: &str = "application/json";
/// The content type of received events and of errors: observed with a charset.
pub(super) const RECEIVED: &str = "application/json; charset=utf-8";

/// A 200 response with this JSON.
pub(super) fn json(content_type: &'static str, body: &impl Serialize) -> Result<Response, Rejection> {
    let body = serde_json::to_vec(body).map_err(|_| Rejection::server_error())?;
    Ok(text(content_type, body))
}

/// A 200 response whose body is JSON text already.
pub(super) fn text(content_type: &'static str, body: impl Into<Content>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// With nine digits of a second and a numeric offset, as observed.
fn timestamp(now: SystemTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]+00:00");
    OffsetDateTime::from(now).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_error_response_looks_as_observed() {
        let now = SystemTime::UNIX_EPOCH + Duration::new(1_699_047_392, 601_465_849);
        let response = Rejection::not_found("Topic 'faketopic' is not found").into_response(now);
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["broker-errorcode"], "NotFound");
        assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
        // The recorded response has this length.
        assert_eq!(response.body().as_ref().len(), 179);
        let text = std::str::from_utf8(response.body().as_ref()).unwrap();
        let (start, id) = text.split_at(text.len() - 39);
        assert_eq!(
            start,
            r#"{"error":{"code":"NotFound","message":"Topic 'faketopic' is not found","timestamp_utc":"2023-11-03T21:36:32.601465849+00:00","tracking_id":""#
        );
        assert!(id[..36].bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9' | b'A'..=b'F')), "{id}");
    }
}
