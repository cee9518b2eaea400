//! What is fixed about one operation of a service, in one place: requests, retries and coverage reports are made from it.

use http::Method;

/// How many bytes of an answer are read unless the operation says otherwise: 16 MiB.
pub const DEFAULT_MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// One operation of a service's API.
///
/// ```
/// use http::Method;
/// use service_core::Operation;
///
/// static CLOSE: Operation =
///     Operation::new("CloseRoom", Method::POST, "/rooms/{room}/:close").query(&["reason"]).success(&[204]).idempotent();
/// assert!(CLOSE.idempotent);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Operation {
    /// The service's own name of it, as in its OpenAPI document; errors and spans carry it.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path, with `{names}` for the values that are filled in.
    pub path: &'static str,
    /// The names that its query may have.
    pub query: &'static [&'static str],
    /// The statuses that count as success.
    pub success: &'static [u16],
    /// Whether sending it twice does no more than sending it once.
    pub idempotent: bool,
    /// How many bytes of a successful answer are read before it counts as too large.
    pub max_response_bytes: usize,
}

impl Operation {
    /// An operation without query, not idempotent, that succeeds with 200.
    #[must_use]
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self {
            id,
            method,
            path,
            query: &[],
            success: &[200],
            idempotent: false,
            max_response_bytes: DEFAULT_MAX_RESPONSE_BYTES,
        }
    }

    /// Sets the names that its query may have.
    #[must_use]
    pub const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// Sets the statuses that count as success.
    #[must_use]
    pub const fn success(mut self, statuses: &'static [u16]) -> Self {
        self.success = statuses;
        self
    }

    /// Declares that sending it twice does no more than sending it once.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Sets how many bytes of a successful answer are read.
    #[must_use]
    pub const fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }
}
