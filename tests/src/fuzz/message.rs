//! HTTP messages as bytes: `METHOD TARGET`, headers one per line, an empty line, and the body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::{split_once, text};

/// Reads a request. Header lines that HTTP does not allow are left out.
pub(super) fn request(data: &[u8]) -> Option<Request<Bytes>> {
    let (first, rest) = split_once(data, b"\n");
    let (method, target) = split_once(first, b" ");
    let (headers, body) = headers_and_body(rest);
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = Uri::try_from(text(target)?).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

/// Reads headers and a body.
pub(super) fn headers_and_body(data: &[u8]) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    let mut rest = data;
    while !rest.is_empty() {
        let (line, after) = split_once(rest, b"\n");
        rest = after;
        if line.is_empty() {
            break;
        }
        let (name, value) = split_once(line, b":");
        let name = HeaderName::from_bytes(name.trim_ascii());
        let value = HeaderValue::from_bytes(value.trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    (headers, Bytes::copy_from_slice(rest))
}
