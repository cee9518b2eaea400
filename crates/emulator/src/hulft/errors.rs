//! What the Site API answers: JSON, an empty success, or a refusal. One error code of the vendor is documented (`E300003`,
//! "already registered"); the codes here begin with `EMULATOR_`, so that nobody takes them for the vendor's.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::server::Reply;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A request that is refused.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None }
    }

    /// A query or path parameter that is out of its bounds or has no such form.
    pub(super) fn invalid_parameter(name: &str, rule: &str) -> Self {
        let message = format!("The parameter '{name}' must be {rule}.");
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_INVALID_PARAMETER", message)
    }

    /// A body that is not what the operation takes.
    pub(super) fn invalid_body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_INVALID_BODY", message)
    }

    pub(super) fn unknown_session() -> Self {
        let message = "No Agent is connected to this endpoint with this session.";
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_UNKNOWN_SESSION", message)
    }

    pub(super) fn cannot_disconnect(version: &str) -> Self {
        let message = format!("An Agent of version {version} cannot be disconnected: 1.2.0 or later can.");
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_AGENT_TOO_OLD", message)
    }

    pub(super) fn unauthorized() -> Self {
        let message = "The API key is missing or unknown.";
        Self::new(StatusCode::UNAUTHORIZED, "EMULATOR_UNAUTHORIZED", message)
    }

    pub(super) fn missing_scope(scope: impl std::fmt::Display) -> Self {
        let message = format!("The API key lacks the scope '{scope}'.");
        Self::new(StatusCode::FORBIDDEN, "EMULATOR_MISSING_SCOPE", message)
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "EMULATOR_UNKNOWN_PATH", "There is no such resource.")
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "The resource has no such method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "EMULATOR_METHOD_NOT_ALLOWED", message)
    }

    pub(super) fn rate_limited() -> Self {
        let message = "The contract has sent too many requests.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "EMULATOR_RATE_LIMITED", message)
    }

    fn server_error() -> Self {
        let message = "The answer could not be written.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "EMULATOR_FAILURE", message)
    }

    /// With this header, unless its value cannot stand in one.
    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.header = HeaderValue::from_str(value).ok().map(|value| (name, value));
        self
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let body = ErrorBody { code: failure.code, message: &failure.message };
        let mut reply = Response::new(serde_json::to_vec(&body).unwrap_or_default().into());
        *reply.status_mut() = failure.status;
        reply.headers_mut().insert(CONTENT_TYPE, JSON);
        reply.headers_mut().extend(failure.header);
        reply
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
}

/// A success with this JSON.
pub(super) fn json(body: &impl Serialize) -> Result<Reply, Failure> {
    let mut reply = Response::new(serde_json::to_vec(body).map_err(|_| Failure::server_error())?.into());
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(reply)
}

/// A success without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = status;
    reply
}
