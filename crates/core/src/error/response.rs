//! The error that a response with an error status becomes: the service's code and message from wherever they are.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::display::one_line;
use super::{Delivery, Error, ErrorDetail, ErrorKind, MAX_ERROR_BODY_BYTES, challenge, coding};

impl Error {
    /// Creates an error from a response whose status the operation does not count as success.
    pub(crate) fn from_response(
        status: StatusCode,
        headers: HeaderMap,
        mut body: Bytes,
        code_headers: &[&str],
    ) -> Self {
        let kind =
            if status == StatusCode::TOO_MANY_REQUESTS { ErrorKind::Throttled } else { ErrorKind::Service };
        let mut error = Self::new(kind, "");
        if body.len() > MAX_ERROR_BODY_BYTES {
            // Copied, so that the rest of a large body is freed.
            body = Bytes::copy_from_slice(&body[..MAX_ERROR_BODY_BYTES]);
        }
        if let Some(unreadable) = coding::unreadable(&headers).filter(|_| !body.is_empty()) {
            body = Bytes::new();
            error.0.text = unreadable;
        } else if media_type(&headers).is_some_and(|media| media.eq_ignore_ascii_case("text/plain"))
            && !starts_like_html(&body)
        {
            error.0.text = one_line(&String::from_utf8_lossy(skip_bom(&body)));
        }
        error.0.detail = ErrorDetail::read(&body);
        error.0.code = code(&headers, code_headers).or_else(|| error.0.detail.as_ref()?.code.clone());
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            error.read_challenge(&headers);
        }
        error.0.status = Some(status);
        // A 2xx that the operation does not list is an error for the caller, but not for the service.
        let delivery = if status.is_success() { Delivery::Accepted } else { Delivery::Responded };
        error.0.delivery = Some(delivery);
        error.0.headers = headers;
        error.0.body = body;
        error
    }

    fn read_challenge(&mut self, headers: &HeaderMap) {
        let challenge::Challenge { code, description } = challenge::read(headers);
        self.0.reason =
            description.as_deref().or(code.as_deref()).map(one_line).filter(|text| !text.is_empty());
        self.0.code = self.0.code.take().or(code.filter(|_| description.is_some()));
    }

    /// Returns whether the body is a page, such as that of a proxy, whose markup would fill the line.
    pub(super) fn is_html(&self) -> bool {
        match media_type(&self.0.headers) {
            Some(media) if media.eq_ignore_ascii_case("text/plain") => starts_like_html(&self.0.body),
            Some(media) => {
                ["text/html", "application/xhtml+xml"].iter().any(|html| media.eq_ignore_ascii_case(html))
            }
            None => false,
        }
    }
}

/// Returns JSON without the byte order mark that some servers and gateways put in front of it, and that parsers reject.
#[must_use]
pub fn skip_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn code(headers: &HeaderMap, names: &[&str]) -> Option<String> {
    let code = names.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    code.filter(|code| !code.is_empty()).map(str::to_owned)
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next().map(str::trim)
}

fn starts_like_html(body: &[u8]) -> bool {
    let start = skip_bom(body).trim_ascii_start();
    ["<!doctype html", "<html"]
        .iter()
        .any(|tag| start.get(..tag.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(tag.as_bytes())))
}
