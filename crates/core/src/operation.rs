//! What is fixed about one operation of a service. Requests, retries, and coverage reports all use this one definition.

use std::time::Duration;

use http::Method;

/// The number of bytes that are read of a successful response by default: 4 MiB.
pub const DEFAULT_MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// Describes one operation of a service's API.
///
/// A service crate defines its operations as `static` values and creates a [`Call`](crate::Call) from them.
///
/// # Examples
///
/// ```
/// use http::Method;
/// use service_core::Operation;
///
/// static CLOSE: Operation =
///     Operation::new("CloseRoom", Method::POST, "/rooms/{room}/:close").query(&["reason"]).success(&[204]).idempotent();
///
/// assert!(CLOSE.idempotent);
/// assert_eq!(CLOSE.success, [204]);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Operation {
    /// The operation's name in the service's OpenAPI document, which errors and spans contain.
    pub id: &'static str,
    /// The HTTP method that the request uses.
    pub method: Method,
    /// The path, in which a `{name}` is replaced by an escaped path segment.
    pub path: &'static str,
    /// The names of the query parameters that the operation accepts.
    pub query: &'static [&'static str],
    /// The status codes that count as success.
    pub success: &'static [u16],
    /// Whether sending the request twice has the same effect as sending it once.
    pub idempotent: bool,
    /// The maximum size of a successful response, in bytes; a larger one is an error.
    pub max_response_bytes: usize,
    /// How long the server may wait before it responds, if a call is a long poll.
    pub(crate) long_poll: Option<Duration>,
}

/// How much longer the attempt of a long poll may take than the wait that was requested from the server.
const LONG_POLL_ATTEMPT_MARGIN: Duration = Duration::from_secs(15);
/// How much longer the whole call may take than one attempt, so that an attempt that fails early can be retried.
const LONG_POLL_CALL_MARGIN: Duration = Duration::from_secs(25);

impl Operation {
    /// Creates an operation without query parameters that is not idempotent and succeeds with status 200.
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
            long_poll: None,
        }
    }

    /// Sets the names of the query parameters that the operation accepts.
    #[must_use]
    pub const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// Sets the status codes that count as success. Default: 200.
    #[must_use]
    pub const fn success(mut self, statuses: &'static [u16]) -> Self {
        self.success = statuses;
        self
    }

    /// Declares that sending the request twice has the same effect as sending it once.
    ///
    /// Idempotent operations are also retried when the service may have acted on the request.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Sets the maximum size of a successful response, in bytes. Default: [`DEFAULT_MAX_RESPONSE_BYTES`].
    #[must_use]
    pub const fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Returns the minimum timeout of one attempt, unless the caller sets one.
    pub(crate) fn min_attempt_timeout(&self) -> Duration {
        self.long_poll.map_or(Duration::ZERO, |wait| wait.saturating_add(LONG_POLL_ATTEMPT_MARGIN))
    }

    /// Returns the minimum deadline of the whole call, unless the caller sets one.
    pub(crate) fn min_deadline(&self) -> Duration {
        self.long_poll.map_or(Duration::ZERO, |wait| {
            wait.saturating_add(LONG_POLL_ATTEMPT_MARGIN + LONG_POLL_CALL_MARGIN)
        })
    }
}
