//! The bodies of error responses: flat `{code, message, ..}`, wrapped `{"error": {..}}`, and problem details. They are read
//! leniently, since an error about an unreadable error would hide the one that matters.

use serde_json::{Map, Value};

use super::skip_bom;

/// The maximum number of bytes of an error's body that is kept: 64 KiB.
pub const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// How deep `details` and `inner` are followed, which bounds hostile nesting.
const MAX_DEPTH: usize = 16;

/// Contains an error as the service describes it.
///
/// # Examples
///
/// ```
/// use service_core::ErrorDetail;
///
/// let body = br#"{"error": {"code": "NotFound", "message": "The room does not exist."}}"#;
/// let detail = ErrorDetail::read(body).unwrap();
/// assert_eq!(detail.code.as_deref(), Some("NotFound"));
/// assert_eq!(detail.message.as_deref(), Some("The room does not exist."));
/// assert_eq!(ErrorDetail::read(b"<html>"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// The service's code, which looks like `Error.Connection.NotExisted`.
    pub code: Option<String>,
    /// The service's message, which is meant for people.
    pub message: Option<String>,
    /// The name of the parameter or resource that the error concerns.
    pub target: Option<String>,
    /// The errors that caused this one.
    pub details: Vec<ErrorDetail>,
    /// An error that contains a more specific code.
    pub inner: Option<InnerError>,
    /// The id that identifies the error to the service's support.
    pub tracking_id: Option<String>,
}

/// Contains a more specific code than the error that contains it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InnerError {
    /// The code, which is more specific than the outer one.
    pub code: Option<String>,
    /// An error that contains an even more specific code.
    pub inner: Option<Box<InnerError>>,
}

impl ErrorDetail {
    /// Parses a response body. Returns `None` if it is not a JSON object that describes an error.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(skip_bom(body)).ok()?;
        let object = value.as_object()?;
        let object = object.get("error").and_then(Value::as_object).unwrap_or(object);
        let detail = Self::of(object, MAX_DEPTH);
        (detail != Self::default()).then_some(detail)
    }

    /// Reads an error from a JSON value, such as that of one item of a batch. Returns `None` if the value is not an object.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        value.as_object().map(|object| Self::of(object, MAX_DEPTH))
    }

    fn of(object: &Map<String, Value>, depth: usize) -> Self {
        let details = object.get("details").and_then(Value::as_array).filter(|_| depth > 0);
        let details = details.into_iter().flatten().filter_map(Value::as_object);
        let invalid = object.get("errors").and_then(Value::as_object).into_iter().flatten();
        Self {
            code: text(object, &["code"]).or_else(|| problem_type(object)),
            // Problem details (RFC 9457) have it in `detail` and `title`.
            message: text(object, &["message", "detail", "title"]),
            target: text(object, &["target"]),
            details: details
                .map(|detail| Self::of(detail, depth - 1))
                .chain(invalid.flat_map(|(name, messages)| invalid_members(name, messages)))
                .collect(),
            inner: inner(object, depth),
            tracking_id: text(object, &["tracking_id", "trackingId"]),
        }
    }
}

/// The type of problem details, which identifies the problem as a code does. `about:blank` and a link to the RFC that defines
/// the status add nothing to the status.
fn problem_type(object: &Map<String, Value>) -> Option<String> {
    let is_problem =
        ["title", "detail"].iter().any(|name| object.contains_key(*name)) && !object.contains_key("message");
    let kind = text(object, &["type"]).filter(|_| is_problem)?;
    (kind != "about:blank" && !kind.contains("ietf.org/") && !kind.contains("rfc-editor.org/"))
        .then_some(kind)
}

/// The usual extension of problem details, `"errors": {"name": ["must not be empty"]}`.
fn invalid_members(name: &str, messages: &Value) -> Vec<ErrorDetail> {
    let of = |message: &str| ErrorDetail {
        message: Some(message.to_owned()),
        target: Some(name.to_owned()),
        ..ErrorDetail::default()
    };
    match messages {
        Value::String(message) => vec![of(message)],
        Value::Array(messages) => messages.iter().filter_map(Value::as_str).map(of).collect(),
        _ => Vec::new(),
    }
}

fn inner(object: &Map<String, Value>, depth: usize) -> Option<InnerError> {
    let value = ["inner", "innererror", "innerError"].iter().find_map(|name| object.get(*name)?.as_object());
    let value = value.filter(|_| depth > 0)?;
    Some(InnerError { code: text(value, &["code"]), inner: inner(value, depth - 1).map(Box::new) })
}

/// Services send codes as words, as numbers in strings, and as numbers.
fn text(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match object.get(*name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn flat_errors_are_read_with_details_and_inner_errors() {
        let body =
            br#"{"code":"A","message":"m","target":"t","details":[{"code":"B","details":[{"code":"C"}]}],
            "inner":{"code":"D","inner":{"code":"E","inner":null}}}"#;
        let error = ErrorDetail::read(body).unwrap();
        assert_eq!(
            (error.code.as_deref(), error.message.as_deref(), error.target.as_deref()),
            (Some("A"), Some("m"), Some("t"))
        );
        assert_eq!(error.details[0].details[0].code.as_deref(), Some("C"));
        let inner = error.inner.unwrap();
        assert_eq!((inner.code.as_deref(), inner.inner.unwrap().code.as_deref()), (Some("D"), Some("E")));
    }

    #[test]
    fn wrapped_errors_numeric_codes_and_problem_details_are_read() {
        let error = ErrorDetail::read(
            br#"{"error":{"code":404,"message":"gone","innererror":{"code":"I"},"tracking_id":"T"}}"#,
        )
        .unwrap();
        assert_eq!((error.code.as_deref(), error.tracking_id.as_deref()), (Some("404"), Some("T")));
        assert_eq!(error.inner.unwrap().code.as_deref(), Some("I"));
        let error =
            ErrorDetail::read(br#"{"type":null,"title":"Not valid.","status":400,"detail":null}"#).unwrap();
        assert_eq!(error.message.as_deref(), Some("Not valid."));
    }

    #[test]
    fn problem_details_have_a_code_a_message_and_the_invalid_members() {
        let error = ErrorDetail::read(
            br#"{"type":"https://rooms.example/full","title":"The room is full.","status":409,"detail":"20 of 20 seats are taken.","instance":"/rooms/blue"}"#,
        )
        .unwrap();
        assert_eq!(error.code.as_deref(), Some("https://rooms.example/full"));
        assert_eq!(error.message.as_deref(), Some("20 of 20 seats are taken."));
        for (kind, code) in [
            ("about:blank", None),
            ("https://tools.ietf.org/html/rfc9110#section-15.5.1", None),
            ("urn:rooms:invalid", Some("urn:rooms:invalid")),
        ] {
            let body = format!(
                r#"{{"type":"{kind}","title":"Not valid.","status":400,"errors":{{"name":["is empty","is odd",5],"size":"is odd","x":null}}}}"#
            );
            let error = ErrorDetail::read(body.as_bytes()).unwrap();
            assert_eq!((error.code.as_deref(), error.message.as_deref()), (code, Some("Not valid.")));
            let details: Vec<_> = error
                .details
                .iter()
                .map(|detail| (detail.target.as_deref(), detail.message.as_deref()))
                .collect();
            let expected = [("name", "is empty"), ("name", "is odd"), ("size", "is odd")];
            assert_eq!(details, expected.map(|(target, message)| (Some(target), Some(message))));
        }
        // In other errors, `type` has other meanings.
        assert_eq!(ErrorDetail::read(br#"{"type":"a","message":"b"}"#).unwrap().code, None);
    }

    #[test]
    fn a_body_that_describes_no_error_has_no_detail() {
        for body in [&b""[..], b"<html>", b"[]", b"{}", b"{\"code\":\"\"}", b"\xff\xfe", b"null"] {
            assert_eq!(ErrorDetail::read(body), None, "{body:?}");
        }
    }

    #[test]
    fn hostile_nesting_is_cut_at_the_maximum_depth() {
        let deep = format!("{}{{\"code\":\"x\"}}{}", "{\"details\":[".repeat(60), "]}".repeat(60));
        let mut error = &ErrorDetail::read(deep.as_bytes()).unwrap();
        let mut depth = 0;
        while let Some(next) = error.details.first() {
            error = next;
            depth += 1;
        }
        assert_eq!(depth, MAX_DEPTH);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\{\\}\\[\\]\":,a-z0-9]{0,80}") {
            let _ = ErrorDetail::read(&body);
            let _ = ErrorDetail::read(text.as_bytes());
        }
    }
}
