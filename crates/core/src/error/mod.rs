//! The one error type: opaque and one pointer wide. It reports what failed, how often it was attempted, and why it was not
//! retried.

mod body;
mod cause;
mod challenge;
mod coding;
mod display;
mod response;

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

pub use body::{ErrorDetail, InnerError, MAX_ERROR_BODY_BYTES};
pub(crate) use cause::{chain, root_cause};
pub(crate) use coding::unreadable;
pub(crate) use display::rounded;
pub use response::skip_bom;

/// The result type that this crate and the clients built on it use.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A boxed error that can be the source of an [`Error`].
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Describes why a call failed.
///
/// `Display` writes one line: the operation; the status, code, and message; then the request id, the number of attempts, and
/// the elapsed time. `Debug` writes the same line, which is what a `main` prints that returns the error. Neither an error nor its [`source`](StdError::source) contains a secret or a URL.
///
/// # Examples
///
/// ```
/// use service_core::{ConnectionString, Delivery, ErrorKind};
///
/// let error = ConnectionString::parse("not a connection string").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert!(error.is_invalid_input() && !error.is_timeout());
///
/// // Nothing was sent, so the service has certainly not acted.
/// assert_eq!(error.delivery(), Some(Delivery::NotSent));
/// assert!(!error.outcome_unknown());
/// ```
pub struct Error(Box<Inner>);

/// Classifies an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was invalid, and nothing was sent.
    InvalidInput,
    /// No credential could be obtained, or the request's origin is not allowed to receive it.
    Credential,
    /// The connection failed before a complete response arrived.
    Transport,
    /// An attempt or the whole call ran out of time.
    Timeout,
    /// The request was rejected because too many were sent: by the service (429), or by the client's rate limiter.
    Throttled,
    /// The service responded with any other error status.
    Service,
    /// The service responded with success, but the response could not be parsed.
    Decode,
    /// The service responded with success, but the response exceeded the operation's size limit.
    ResponseTooLarge,
}

/// Describes how far a request got.
///
/// Retries and [`Error::outcome_unknown`] depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// The request did not reach the service, which certainly did not act.
    NotSent,
    /// The request was sent, but no complete response arrived; the service may have acted.
    Unknown,
    /// The service responded with success, but the response was lost or unreadable; the service has acted.
    Accepted,
    /// The service responded with an error status.
    Responded,
}

/// Describes why a transient failure was not retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The service may have acted, and the operation is not idempotent.
    NotIdempotent,
    /// The wait before the next attempt would have exceeded the call's deadline.
    Deadline,
    /// The client's retry quota is exhausted, since most of its recent calls have failed.
    Quota,
    /// The maximum number of retries was reached.
    Attempts,
}

#[derive(Default)]
pub(crate) struct Inner {
    kind: Option<ErrorKind>,
    /// This error's own text. For responses, it is empty unless the body is plain text or cannot be read.
    text: String,
    pub(crate) operation: Option<&'static str>,
    status: Option<StatusCode>,
    headers: HeaderMap,
    body: Bytes,
    code: Option<String>,
    detail: Option<ErrorDetail>,
    /// The reason that the `WWW-Authenticate` header states.
    reason: Option<String>,
    /// Host and port, if the text does not contain them.
    pub(crate) host: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) stop: Option<StopReason>,
    /// What explains the error, if its status is 401.
    pub(crate) unauthorized_help: Option<&'static str>,
    /// Another attempt would fail in the same way, regardless of the delivery.
    pub(crate) permanent: bool,
    /// A 503 means that the service did not act, because the caller declared it.
    pub(crate) unavailable: bool,
    /// What a service crate adds to the line.
    note: Option<String>,
    source: Option<BoxError>,
}

impl Error {
    /// Creates an error. `text` must be one line and must not contain a secret.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind: Some(kind), text: text.into(), ..Inner::default() }))
    }

    /// Creates an error for an invalid argument.
    ///
    /// Its text is `{what} {rule}, got {value:?}`. `value` must be `None` if it may contain a secret; only its first 64
    /// characters are shown.
    #[must_use]
    pub fn invalid_input(what: &str, rule: &str, value: Option<&str>) -> Self {
        let mut text = format!("{what} {rule}");
        if let Some(value) = value {
            let shown: String = value.chars().take(64).collect();
            let cut = if shown.len() < value.len() { " (cut)" } else { "" };
            text.push_str(&format!(", got {shown:?}{cut}"));
        }
        let mut error = Self::new(ErrorKind::InvalidInput, text);
        error.0.delivery = Some(Delivery::NotSent);
        error.permanent()
    }

    /// Puts the name of the environment variable that was read in front of the text, and removes the invalid value.
    pub(crate) fn with_variable(mut self, name: &str) -> Self {
        let rule = self.0.text.split_once(", got \"").map_or(&*self.0.text, |(rule, _)| rule);
        self.0.text = format!("{name}: {rule}");
        self
    }

    /// Sets the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Sets the error that caused this one, and appends its innermost cause to the text.
    #[must_use]
    pub fn with_cause(mut self, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        self.0.text.push_str(": ");
        self.0.text.push_str(&root_cause(&*source));
        self.with_source(source)
    }

    /// Sets how far the request got. Transports and policies should set it, since retries depend on it.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = Some(delivery);
        self
    }

    /// Sets the status and headers of the response that this error is about.
    #[must_use]
    pub fn with_head(mut self, status: StatusCode, headers: HeaderMap) -> Self {
        self.0.status = Some(status);
        self.0.headers = headers;
        self
    }

    /// Sets the service's code if it was not part of an HTTP response.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Sets the name of the operation that failed, for failures outside an [`Operation`](crate::Operation).
    #[must_use]
    pub fn with_operation(mut self, id: &'static str) -> Self {
        self.0.operation = Some(id);
        self
    }

    /// Adds what the service's documentation says about the failure, such as the missing permission, to the line that
    /// `Display` writes. `note` must be one line and must not contain a secret.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.0.note = Some(note.into());
        self
    }

    /// Marks the error as permanent, so that it is not retried.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    pub(crate) fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Service)
    }

    /// Returns the response's status, or `None` if no response arrived.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the response's headers, with all values of each. The map is empty if no response arrived.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Returns the service's error code, from the response's header or body.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Returns the service's message or, if no response arrived, the error's own text.
    ///
    /// The message is in the body or, for a 401 or 403, in the `WWW-Authenticate` header. A plain text body is shortened to one
    /// line of at most 400 characters. There is no message for other bodies, such as a proxy's HTML page.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let message = self.0.detail.as_ref().and_then(|detail| detail.message.as_deref());
        message.or(Some(self.0.text.as_str()).filter(|text| !text.is_empty())).or(self.0.reason.as_deref())
    }

    /// Returns the complete error as the service describes it, with nested details.
    #[must_use]
    pub fn detail(&self) -> Option<&ErrorDetail> {
        self.0.detail.as_ref()
    }

    /// Returns the first 64 KiB of the response's body, verbatim.
    ///
    /// It is empty if no response arrived, or if the body has a content coding such as gzip.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// Returns the request id that identifies the call to the service's support.
    ///
    /// This is the id in the response or, if there is none, the id that the client sent.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        let tracked = self.0.detail.as_ref().and_then(|detail| detail.tracking_id.as_deref());
        tracked.or(self.0.request_id.as_deref())
    }

    /// Returns the name of the operation that failed, as in the service's API description.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the number of attempts that were made. It is 0 if the call failed before the first attempt.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns how long the whole call took, including waits.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// Returns how long to wait before the next call, if the service or the client's rate limiter asked for a wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns why a transient failure was not retried, or `None` if the failure was not transient.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.0.stop
    }

    /// Returns how far the request got, or `None` if this is unknown because the error is not about a request.
    #[must_use]
    pub fn delivery(&self) -> Option<Delivery> {
        self.0.delivery
    }

    /// Returns whether the service responded with status 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(StatusCode::NOT_FOUND)
    }

    /// Returns whether an argument was invalid, so that nothing was sent.
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        self.kind() == ErrorKind::InvalidInput
    }

    /// Returns whether an attempt or the whole call timed out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Returns whether the request was rejected because too many were sent.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.kind() == ErrorKind::Throttled
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
