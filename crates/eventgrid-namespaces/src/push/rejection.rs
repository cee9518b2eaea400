//! The responses to requests that never reach the handler.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

/// Describes why a request was rejected. Never contains a value of the request, which can be a secret.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    text: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// Event Grid loses the events of such a request, so the caller must certainly not be the service.
    pub(super) fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    /// Event Grid delivers again.
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    pub(super) fn body_too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body exceeds {limit} bytes"))
    }

    /// Returns the response and logs the rejection, since it can mean that events are lost.
    pub(super) fn respond(self) -> Response<Bytes> {
        tracing::warn!(status = self.status.as_u16(), reason = self.text, "push request rejected");
        let mut response = Response::new(Bytes::from(self.text));
        *response.status_mut() = self.status;
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text);
        response
    }
}

/// Creates a response without a body.
pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
