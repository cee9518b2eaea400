//! Responses without a model: success without a body, and the two error bodies that were observed.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::filter::FilterError;
use crate::message::Response;

const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
const SUPPORTED: HeaderName = HeaderName::from_static("api-supported-versions");
pub(super) const VERSIONS: [&str; 5] = ["2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"];
const VERSIONS_TEXT: &str = "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01";
/// The content type of every JSON response except error body B.
pub(super) const JSON: &str = "application/json; charset=utf-8";
pub(super) const GROUP_NAME: &str =
    "Invalid group name. Valid group name should be in between 1 and 1024 characters long.";

/// A response that ends an operation early. Boxed, because it is part of many results.
pub(super) type Rejection = Box<Response>;

/// A status without a body, as after success.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = bare(status);
    response.headers_mut().insert(SUPPORTED, HeaderValue::from_static(VERSIONS_TEXT));
    response
}

/// Success with a JSON text.
pub(super) fn json(body: String) -> Response {
    let mut response = empty(StatusCode::OK);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    *response.body_mut() = body.into();
    response
}

/// A status without headers of the service, as the health operation returns it.
pub(super) fn bare(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// Error body A: something does not exist, or the request as a whole is wrong.
pub(super) fn error(status: StatusCode, code: &str, message: &str, target: &str) -> Rejection {
    let body = json_text(&[
        ("code", json!(code)),
        ("message", json!(message)),
        ("target", json!(target)),
        ("details", json!(null)),
        ("inner", json!(null)),
    ]);
    let mut response = with_body(status, code, JSON, body);
    response.headers_mut().insert(SUPPORTED, HeaderValue::from_static(VERSIONS_TEXT));
    Box::new(response)
}

/// Error body A for a missing connection, user, or group. The severity depends on the operation.
pub(super) fn not_existed(severity: &str, kind: &str, name: &str) -> Rejection {
    let code = format!("{severity}.{kind}.NotExisted");
    // No body was observed for a group, but the lengths in responses to HEAD requests are four shorter.
    let what = if kind == "Group" { "empty" } else { "not found" };
    error(StatusCode::NOT_FOUND, &code, &format!("{kind} `{name}` is {what}."), kind)
}

/// Error body B: a parameter is invalid.
pub(super) fn invalid(parameter: &str, message: &str) -> Rejection {
    let code = "Error.BadRequest";
    let body = json_text(&[
        ("code", json!(code)),
        ("message", json!(message)),
        ("target", json!(parameter)),
        ("errors", json!({ parameter: [message] })),
        ("type", json!(null)),
        ("title", json!("One or more validation errors occurred.")),
        ("status", json!(400)),
        ("detail", json!(null)),
        ("instance", json!(null)),
        ("extensions", json!({})),
    ]);
    Box::new(with_body(StatusCode::BAD_REQUEST, code, "application/problem+json; charset=utf-8", body))
}

/// Error body B as `:generateToken` sends it, with another media type.
pub(super) fn invalid_token_request(parameter: &str, message: &str) -> Rejection {
    let mut rejection = invalid(parameter, message);
    rejection.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    rejection
}

/// Error body B for a filter.
pub(super) fn invalid_filter(parameter: &str, filter: &str, error: &FilterError) -> Rejection {
    invalid(parameter, &format!("Invalid syntax for '{filter}': {error}. (Parameter 'filter')"))
}

/// Error body B for more groups than a connection can be in.
pub(super) fn too_many_groups(parameter: &str) -> Rejection {
    invalid(parameter, "A connection would be in too many groups.")
}

/// Error body A for a content type that the operation does not accept.
pub(super) fn unsupported(content_type: &str) -> Rejection {
    let message = format!("The content type '{content_type}' is not supported.");
    error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Error.UnsupportedMediaType", &message, "Content-Type")
}

/// No 401 was ever recorded: the header of RFC 6750, no body.
pub(super) fn unauthorized(why: &'static str) -> Rejection {
    let mut response = bare(StatusCode::UNAUTHORIZED);
    let text = format!("Bearer error=\"invalid_token\", error_description=\"{why}\"");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    Box::new(response)
}

/// An error response to a HEAD request contains the length of the body that is not sent.
fn with_body(status: StatusCode, code: &str, content_type: &'static str, body: String) -> Response {
    let length = body.len();
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(code) = HeaderValue::from_str(code) {
        headers.insert(ERROR_CODE, code);
    }
    response
}

/// Keeps the members in this order, as observed. A JSON map would sort them.
fn json_text(members: &[(&str, serde_json::Value)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_connection_is_worded_as_observed() {
        let response = not_existed("Error", "Connection", "fake-connection-id");
        assert_eq!(response.headers()[CONTENT_LENGTH], "146");
        assert_eq!(
            std::str::from_utf8(response.body().as_ref()).unwrap(),
            r#"{"code":"Error.Connection.NotExisted","message":"Connection `fake-connection-id` is not found.","target":"Connection","details":null,"inner":null}"#
        );
    }

    #[test]
    fn an_invalid_parameter_is_worded_as_observed() {
        let response = invalid("clientType", "The value 'socketio' is not valid.");
        assert_eq!(response.headers()[CONTENT_LENGTH], "280");
        assert_eq!(response.headers()[&ERROR_CODE], "Error.BadRequest");
        assert!(!response.headers().contains_key(&SUPPORTED));
    }
}
