//! An answer with its value: what `.with_response()` gives.

use std::fmt;

use http::{HeaderMap, StatusCode};

/// A successful answer: the operation's value beside the status and headers that it came with.
pub struct Response<T> {
    /// The operation's value.
    pub body: T,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id: Option<http::HeaderValue>,
    pub(crate) attempts: u32,
}

impl<T> Response<T> {
    /// The answer's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer's headers, all values of each.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The id to give to the service's support: the answer's, or the one that was sent when the answer has none. Empty for
    /// services that know no such id.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default()
    }

    /// How many attempts it took.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Status, headers and value, apart.
    #[must_use]
    pub fn into_parts(self) -> (StatusCode, HeaderMap, T) {
        (self.status, self.headers, self.body)
    }

    /// The same answer with its value replaced.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        let Self { body, status, headers, request_id, attempts } = self;
        Response { body: change(body), status, headers, request_id, attempts }
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("Response");
        shape
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("body", &self.body)
            .finish()
    }
}
