//! Functions that convert a response into a value.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use crate::error::skip_bom;
use crate::error::{Delivery, Error, ErrorKind, Result};

/// Ignores the response, whose status has already been checked.
///
/// # Errors
///
/// This function never returns an error.
pub fn unit(_: &Response<Bytes>) -> Result<()> {
    Ok(())
}

/// Returns `false` if the status is 404 and `true` otherwise.
///
/// The operation must include 404 in its success statuses.
///
/// # Errors
///
/// This function never returns an error.
pub fn exists(response: &Response<Bytes>) -> Result<bool> {
    Ok(response.status() != StatusCode::NOT_FOUND)
}

/// Parses the body as JSON. A byte order mark is skipped.
///
/// # Errors
///
/// Returns [`ErrorKind::Decode`] if the body is not the expected JSON. Its delivery is [`Delivery::Unknown`], since such a
/// response may come from a proxy instead of the service.
pub fn json<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T> {
    json_borrowed(response)
}

/// Parses the body as JSON into a value that may borrow from the response.
///
/// # Errors
///
/// Returns [`ErrorKind::Decode`] if the body is not the expected JSON, as [`json`] does.
pub fn json_borrowed<'a, T: Deserialize<'a>>(response: &'a Response<Bytes>) -> Result<T> {
    serde_json::from_slice(skip_bom(response.body())).map_err(|error| {
        // serde_json's text may quote the body, which may contain a secret: only the position is reported.
        let text = format!(
            "could not parse the response: not the expected JSON at line {} column {} of {} bytes",
            error.line(),
            error.column(),
            response.body().len()
        );
        Error::new(ErrorKind::Decode, text)
            .with_head(response.status(), response.headers().clone())
            .with_delivery(Delivery::Unknown)
    })
}
