//! Reading success responses: one counts only if it looks like a response from the service. A login page or a gateway's error
//! with status 200 does not.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use service_core::ErrorDetail;

use crate::event::{essence, is_json, without_bom};
use crate::{Delivery, Error, ErrorKind, Result};

/// Returns the JSON object of a response, without a byte order mark. A response without a content type may be JSON.
pub(crate) fn json(response: &Response<Bytes>) -> Result<&[u8]> {
    let content_type =
        response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match content_type {
        Some(other) if !is_json(Some(&other)) => {
            let shown: String = essence(&other).chars().take(64).collect();
            Err(unexpected(response, &format!("its content type is {shown:?}, not JSON")))
        }
        _ => {
            let json = without_bom(response.body());
            let is_object = json.trim_ascii_start().starts_with(b"{");
            is_object.then_some(json).ok_or_else(|| unexpected(response, "it is not a JSON object"))
        }
    }
}

/// Parses the JSON of a response. Unknown members are ignored.
pub(crate) fn parse<'a, T: Deserialize<'a>>(response: &'a Response<Bytes>) -> Result<T> {
    let json = json(response)?;
    serde_json::from_slice(json).map_err(|error| {
        // serde_json's text may quote the body, which may contain a secret.
        let (line, column, bytes) = (error.line(), error.column(), json.len());
        let reason = format!("it is not the expected JSON, at line {line} column {column} of {bytes} bytes");
        unexpected(response, &reason)
    })
}

/// Creates the error for a success that does not look like a response from the service, which may or may not have acted.
pub(crate) fn unexpected(response: &Response<Bytes>, reason: &str) -> Error {
    let text = format!("the response does not look like one from the service: {reason}");
    let error = Error::new(ErrorKind::Decode, text)
        .with_head(response.status(), response.headers().clone())
        .with_delivery(Delivery::Unknown)
        .permanent();
    let code = ErrorDetail::read(without_bom(response.body())).and_then(|detail| detail.code);
    code.into_iter().fold(error, Error::with_code)
}
