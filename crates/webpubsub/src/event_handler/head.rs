//! Reading the headers of a call, which come from anybody until the signature is checked: bounded, and never two of what
//! there must be one of.

use http::HeaderMap;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use super::rejection::Rejection;

/// The most header values that a call may have; more are refused with 431.
pub const MAX_HEADERS: usize = 256;
/// The most bytes that the names and values of a call's headers may have together; more are refused with 431.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

pub(super) const VERSION: &str = "ce-awpsversion";
pub(super) const STATE: &str = "ce-connectionstate";
pub(super) const REQUEST_ORIGIN: &str = "webhook-request-origin";

pub(super) fn check_limits(headers: &HeaderMap) -> Result<(), Rejection> {
    let invalid = |rule| Err(Rejection::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, rule));
    if headers.len() > MAX_HEADERS {
        return invalid(format!("there are over {MAX_HEADERS} headers"));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > MAX_HEADER_BYTES {
        return invalid(format!("the headers are over {MAX_HEADER_BYTES} bytes"));
    }
    Ok(())
}

/// A body that says it is too large is not read at all.
pub(super) fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Rejection> {
    let length = one(headers, CONTENT_LENGTH.as_str())?.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return Err(Rejection::body_too_large(limit));
    }
    Ok(())
}

/// The one value of a header that may be absent. Two of them are refused: which of them a proxy or the service's signature
/// meant cannot be known.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Rejection::bad_request(format!("the header {name} is there more than once")));
    }
    // Not `to_str`: a user id beyond ASCII may come as it is.
    match std::str::from_utf8(value.as_bytes()) {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(Rejection::bad_request(format!("the header {name} is not UTF-8"))),
    }
}

/// As [`one`], owned; an empty value counts as absent.
pub(super) fn owned(headers: &HeaderMap, name: &str) -> Result<Option<String>, Rejection> {
    Ok(one(headers, name)?.filter(|value| !value.is_empty()).map(str::to_owned))
}

/// The one value of a header that must be there.
pub(super) fn required<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Rejection> {
    let value = one(headers, name)?.filter(|value| !value.is_empty());
    value.ok_or_else(|| Rejection::bad_request(format!("the header {name} is missing")))
}

/// The parts of a comma-separated header, over all of its values, without blanks. Values that are not ASCII are passed over.
pub(super) fn list<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|part| !part.is_empty())
}

/// What follows the prefix in the names of headers, with each value that is text.
pub(super) fn prefixed<'a>(
    headers: &'a HeaderMap,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    headers.iter().filter_map(move |(name, value)| {
        let name = name.as_str().strip_prefix(prefix)?;
        Some((name, std::str::from_utf8(value.as_bytes()).ok()?))
    })
}

/// The media type, without its parameters; empty where there is none.
pub(super) fn media_type(headers: &HeaderMap) -> Result<&str, Rejection> {
    let content_type = one(headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
    Ok(content_type.split(';').next().unwrap_or_default().trim())
}
