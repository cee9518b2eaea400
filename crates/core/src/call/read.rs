//! How answers become values.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Delivery, Error, ErrorKind, Result};

/// Nothing: the status was all.
///
/// # Errors
///
/// None.
pub fn unit(_: &Response<Bytes>) -> Result<()> {
    Ok(())
}

/// Whether it exists: 404 is an answer here, not an error.
///
/// # Errors
///
/// None.
pub fn exists(answer: &Response<Bytes>) -> Result<bool> {
    Ok(answer.status() != StatusCode::NOT_FOUND)
}

/// A JSON body.
///
/// # Errors
///
/// [`ErrorKind::Decode`] for anything else; the service has acted all the same.
pub fn json<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T> {
    json_borrowed(answer)
}

/// A JSON body whose parts are lent from the answer rather than copied.
///
/// # Errors
///
/// As [`json`].
pub fn json_borrowed<'a, T: Deserialize<'a>>(answer: &'a Response<Bytes>) -> Result<T> {
    serde_json::from_slice(answer.body()).map_err(|error| {
        // serde_json's text may quote the body, which may hold a secret: only the place is told.
        let text = format!(
            "the answer is not the JSON expected, at line {} column {} of {} bytes",
            error.line(),
            error.column(),
            answer.body().len()
        );
        Error::new(ErrorKind::Decode, text)
            .with_head(answer.status(), answer.headers().clone())
            .with_delivery(Delivery::Accepted)
    })
}
