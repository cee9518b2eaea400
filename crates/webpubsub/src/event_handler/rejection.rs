//! The responses to requests that never reach the handler.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

/// The number of characters of an invalid value that a response and a log line repeat.
const SHOWN: usize = 64;

/// Describes why a request was rejected: the rule that it violates and, if it cannot be a secret, the invalid value.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    text: String,
    /// What only the log line contains.
    logged: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, rule: impl Into<String>) -> Self {
        Self { status, text: rule.into(), logged: String::new() }
    }

    pub(super) fn bad_request(rule: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, rule)
    }

    pub(super) fn unauthorized(rule: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, rule)
    }

    pub(super) fn body_too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body exceeds {limit} bytes"))
    }

    /// Adds the invalid value, truncated and escaped, so that it cannot forge a log line.
    pub(super) fn got(mut self, value: &str) -> Self {
        let shown: String = value.chars().take(SHOWN).collect();
        let cut = if shown.len() < value.len() { " (cut)" } else { "" };
        self.text.push_str(&format!(", got {shown:?}{cut}"));
        self
    }

    /// Adds what the log line shall contain and the response shall not.
    pub(super) fn log_also(mut self, what: &str, value: &str) -> Self {
        self.logged = format!(" ({what} {value:?})");
        self
    }

    /// Returns the response and logs the rejection. Without the log line, users of the service would notice only that
    /// nothing happens.
    pub(super) fn respond(self) -> Response<Bytes> {
        let reason = format!("{}{}", self.text, self.logged);
        tracing::warn!(status = self.status.as_u16(), reason, "webhook request rejected");
        text(self.status, self.text)
    }
}

/// Creates a response without a body.
pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// Creates a response with a body of this type.
pub(super) fn with_body(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Creates a response with a plain text body.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    with_body(status, TEXT, text)
}

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json; charset=utf-8";
pub(super) const BINARY: &str = "application/octet-stream";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_and_cannot_forge_a_line() {
        let response = Rejection::bad_request("rule").got(&format!("a\nb{}", "x".repeat(100))).respond();
        assert_eq!(response.status(), 400);
        let body = std::str::from_utf8(response.body()).unwrap();
        assert!(body.starts_with("rule, got \"a\\nbxxx") && body.ends_with("x\" (cut)"), "{body}");
        assert!(body.len() < 100, "{body}");
    }
}
