//! Reads the headers of a request. They are untrusted until the signature is verified, so their size is limited and
//! duplicates are rejected.

use http::HeaderMap;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use super::rejection::Rejection;

/// The maximum number of header values that a request can have. Requests with more are rejected with 431.
pub const MAX_HEADERS: usize = 256;
/// The maximum total size in bytes that the header names and values of a request can have. Larger requests are rejected
/// with 431.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

pub(super) const VERSION: &str = "ce-awpsversion";
pub(super) const STATE: &str = "ce-connectionstate";
pub(super) const REQUEST_ORIGIN: &str = "webhook-request-origin";

pub(super) fn check_limits(headers: &HeaderMap) -> Result<(), Rejection> {
    let invalid = |rule| Err(Rejection::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, rule));
    if headers.len() > MAX_HEADERS {
        return invalid(format!("there are more than {MAX_HEADERS} headers"));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > MAX_HEADER_BYTES {
        return invalid(format!("the headers exceed {MAX_HEADER_BYTES} bytes"));
    }
    Ok(())
}

/// Rejects a body whose declared length exceeds the limit, without reading it.
pub(super) fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Rejection> {
    let length = one(headers, CONTENT_LENGTH.as_str())?.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return Err(Rejection::body_too_large(limit));
    }
    Ok(())
}

/// Returns the value of an optional header. Duplicates are rejected, since it is unknown which of them a proxy or the
/// signature of the service refers to.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Rejection::bad_request(format!("the header {name} appears more than once")));
    }
    // Not `to_str`: the service can send a non-ASCII user ID without encoding.
    match std::str::from_utf8(value.as_bytes()) {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(Rejection::bad_request(format!("the header {name} is not UTF-8"))),
    }
}

/// Returns the value of an optional header as a `String`. An empty value counts as absent.
pub(super) fn owned(headers: &HeaderMap, name: &str) -> Result<Option<String>, Rejection> {
    Ok(one(headers, name)?.filter(|value| !value.is_empty()).map(str::to_owned))
}

/// Returns the value of a required header.
pub(super) fn required<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Rejection> {
    let value = one(headers, name)?.filter(|value| !value.is_empty());
    value.ok_or_else(|| Rejection::bad_request(format!("the header {name} is missing")))
}

/// Returns the trimmed items of a comma-separated header, over all of its values. Non-ASCII values are skipped.
pub(super) fn list<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|part| !part.is_empty())
}

/// Returns the headers whose names have this prefix: the rest of the name, and each value that is UTF-8.
pub(super) fn prefixed<'a>(
    headers: &'a HeaderMap,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    headers.iter().filter_map(move |(name, value)| {
        let name = name.as_str().strip_prefix(prefix)?;
        Some((name, std::str::from_utf8(value.as_bytes()).ok()?))
    })
}

/// Returns the media type without its parameters, or an empty text if there is none.
pub(super) fn media_type(headers: &HeaderMap) -> Result<&str, Rejection> {
    let content_type = one(headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
    Ok(content_type.split(';').next().unwrap_or_default().trim())
}
