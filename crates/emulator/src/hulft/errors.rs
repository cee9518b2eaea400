//! Responses of the Site API: JSON, an empty success, or an error. The vendor documents one error code (`E300003`,
//! "already registered"). The other codes here begin with `EMULATOR_`, so that they cannot be mistaken for the
//! vendor's.

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::message::{Request, Response};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A request that is rejected.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    code: &'static str,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Members that the body of some operations has in addition to `code` and `message`.
    members: Vec<(&'static str, Value)>,
}

impl Rejection {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new(), members: Vec::new() }
    }

    /// A query or path parameter is out of bounds or malformed.
    pub(super) fn invalid_parameter(name: &str, rule: &str) -> Self {
        let message = format!("The parameter '{name}' must be {rule}.");
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_INVALID_PARAMETER", message)
    }

    /// The body is not what the operation accepts.
    pub(super) fn invalid_body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_INVALID_BODY", message)
    }

    /// The body names something that is not registered.
    pub(super) fn unknown_reference(field: &str, value: &str) -> Self {
        let message = format!("'{field}' names '{value}', which is not registered.");
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_UNKNOWN_REFERENCE", message)
    }

    /// The only code that the vendor documents (section 2.8). It is a 400, since a conflict is not among the vendor's
    /// statuses.
    pub(super) fn already_registered() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "E300003", "The data is already registered.")
    }

    /// The resource to change or delete does not exist.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "EMULATOR_NOT_FOUND", "There is no such data.")
    }

    /// The resource that a POST refers to, other than in its body, does not exist: 404 is not listed for POST.
    pub(super) fn nothing_to_post_to() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_NOT_FOUND", "There is no such data.")
    }

    /// The resource to delete is used by another one.
    pub(super) fn in_use(by: &str) -> Self {
        let message = format!("The data is still in use by {by}.");
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_IN_USE", message)
    }

    /// The contract has the maximum number of resources of this kind.
    pub(super) fn limit_reached(limit: usize) -> Self {
        let message = format!("The limit of {limit} is reached.");
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_LIMIT_REACHED", message)
    }

    /// A mail is not sent.
    pub(super) fn mail_rejected(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "EMULATOR_MAIL_REJECTED", message)
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
        let message = "The response could not be written.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "EMULATOR_FAILURE", message)
    }

    /// Adds a header, unless its value is no valid header value.
    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// Adds a member to the body, unless the body has it already.
    pub(super) fn with_member(mut self, name: &'static str, value: Value) -> Self {
        if self.members.iter().all(|(present, _)| *present != name) {
            self.members.push((name, value));
        }
        self
    }
}

impl From<Rejection> for Response {
    fn from(rejection: Rejection) -> Self {
        let mut response = Response::new(serde_json::to_vec(&rejection).unwrap_or_default().into());
        *response.status_mut() = rejection.status;
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response.headers_mut().extend(rejection.headers);
        response
    }
}

/// Writes the body only, without the status and the headers.
impl Serialize for Rejection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("code", self.code)?;
        body.serialize_entry("message", &self.message)?;
        for (name, value) in &self.members {
            body.serialize_entry(name, value)?;
        }
        body.end()
    }
}

/// A success with this JSON.
pub(super) fn json(body: &impl Serialize) -> Result<Response, Rejection> {
    let mut response = Response::new(serde_json::to_vec(body).map_err(|_| Rejection::server_error())?.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

/// A successful registration: 201 with what was registered.
pub(super) fn created(body: &impl Serialize) -> Result<Response, Rejection> {
    let mut response = json(body)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// A successful registration with the location of the new resource: this path below `/api/v2`. The vendor refers to RFC
/// 2616, whose `Location` is an absolute URI (section 14.30).
pub(super) fn created_at(
    request: &Request,
    path: &str,
    body: &impl Serialize,
) -> Result<Response, Rejection> {
    let uri = format!("{}/api/v2/{path}", request.origin());
    let mut response = created(body)?;
    response.headers_mut().extend(HeaderValue::from_str(&uri).ok().map(|uri| (LOCATION, uri)));
    Ok(response)
}

/// The response to a GET of one resource: 204 if it does not exist, since 404 is not listed for GET (section 2.7).
pub(super) fn json_or_nothing(body: Option<impl Serialize>) -> Result<Response, Rejection> {
    body.map_or_else(|| Ok(empty(StatusCode::NO_CONTENT)), |body| json(&body))
}

/// A success without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// A successful deletion, or a successful request for an effect.
pub(super) fn done() -> Response {
    empty(StatusCode::OK)
}
