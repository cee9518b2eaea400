//! The one error type: opaque, one pointer wide, and able to say what happened, to what, how often it was tried and why
//! that was the end of it.

mod body;
mod display;

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

pub use body::{ErrorDetail, InnerError, MAX_ERROR_BODY_BYTES};

/// What the crates of this family return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error that may stand behind one of ours.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call failed.
///
/// `Display` is one line: operation, status, code, message, request id, attempts and time. It never repeats its
/// [`source`](StdError::source), and neither of them ever holds a secret or a URL.
pub struct Error(Box<Inner>);

/// What an error is, broadly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument breaks a rule; nothing was sent.
    InvalidInput,
    /// No credential could be had, or it must not go where the request would go.
    Credential,
    /// The connection failed before a whole answer was there.
    Transport,
    /// An attempt or the whole call ran out of time.
    Timeout,
    /// The service refused the call because there were too many (429).
    Throttled,
    /// The service answered with another error status.
    Service,
    /// The service answered with success, but with a body that cannot be read.
    Decode,
    /// The service answered with success, but with more bytes than the operation's cap.
    ResponseTooLarge,
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// Nothing of it reached the service: it certainly did not act.
    NotSent,
    /// It was sent, and no complete answer came: the service may or may not have acted.
    Unknown,
    /// The service answered with success and its answer was lost or unreadable: it did act.
    Accepted,
    /// The service answered.
    Responded,
}

/// Why a failed call was not tried again although its failure was of a passing kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The service may have acted, and the operation must not be done twice.
    NotIdempotent,
    /// The wait before the next attempt would have passed the call's deadline.
    Deadline,
    /// The client's retry quota is used up.
    Quota,
    /// The attempts that were allowed are used up.
    Attempts,
}

#[derive(Default)]
pub(crate) struct Inner {
    kind: Option<ErrorKind>,
    /// What this level has to say; for answers, the body's message says it instead.
    text: String,
    pub(crate) operation: Option<&'static str>,
    status: Option<StatusCode>,
    headers: HeaderMap,
    body: Bytes,
    code: Option<String>,
    detail: Option<ErrorDetail>,
    pub(crate) request_id: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) stop: Option<StopReason>,
    /// A retry would fail in the same way, whatever the delivery says.
    pub(crate) permanent: bool,
    source: Option<BoxError>,
}

impl Error {
    /// An error of that kind; `text` is one line and holds no secret.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind: Some(kind), text: text.into(), ..Inner::default() }))
    }

    /// An argument that breaks a rule. `value` is the offending text, or `None` where it may hold a secret.
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

    /// An answer with a status that the operation does not count as success.
    pub(crate) fn from_answer(
        status: StatusCode,
        headers: HeaderMap,
        mut body: Bytes,
        code_headers: &[&str],
    ) -> Self {
        if body.len() > MAX_ERROR_BODY_BYTES {
            // Copied, so that the rest of a large body is let go.
            body = Bytes::copy_from_slice(&body[..MAX_ERROR_BODY_BYTES]);
        }
        let kind =
            if status == StatusCode::TOO_MANY_REQUESTS { ErrorKind::Throttled } else { ErrorKind::Service };
        let mut error = Self::new(kind, "");
        let detail = ErrorDetail::read(&body);
        let header = code_headers
            .iter()
            .find_map(|name| headers.get(*name)?.to_str().ok())
            .filter(|code| !code.is_empty());
        error.0.code = header.map(str::to_owned).or_else(|| detail.as_ref()?.code.clone());
        error.0.status = Some(status);
        // A 2xx that the operation does not know is an error to its caller, but not to the service.
        let delivery = if status.is_success() { Delivery::Accepted } else { Delivery::Responded };
        error.0.delivery = Some(delivery);
        error.0.headers = headers;
        error.0.body = body;
        error.0.detail = detail;
        error
    }

    /// Adds the error behind this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says how far the request got; transports and policies need it, since retries go by it.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = Some(delivery);
        self
    }

    /// Adds the head of the answer that this error is about.
    #[must_use]
    pub fn with_head(mut self, status: StatusCode, headers: HeaderMap) -> Self {
        self.0.status = Some(status);
        self.0.headers = headers;
        self
    }

    /// Adds the service's code, where it does not come in an HTTP answer.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Names the operation that failed, where no [`Operation`](crate::Operation) does.
    #[must_use]
    pub fn with_operation(mut self, id: &'static str) -> Self {
        self.0.operation = Some(id);
        self
    }

    /// Says that another attempt would fail in the same way.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0
    }

    /// What the error is, broadly.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Service)
    }

    /// The answer's status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The answer's headers, all values of each; empty if there was no answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The service's code, from its header or its body.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The service's message; for errors that are not answers, this error's own text.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let said = self.0.detail.as_ref().and_then(|detail| detail.message.as_deref());
        said.or(Some(self.0.text.as_str()).filter(|text| !text.is_empty()))
    }

    /// The whole error as the service describes it, with nested details.
    #[must_use]
    pub fn detail(&self) -> Option<&ErrorDetail> {
        self.0.detail.as_ref()
    }

    /// The answer's body as it came, up to 64 KiB; empty if there was none.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// The id to give to the service's support: the answer's, or the one that was sent when the answer has none.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        let tracked = self.0.detail.as_ref().and_then(|detail| detail.tracking_id.as_deref());
        tracked.or(self.0.request_id.as_deref())
    }

    /// The operation that failed, by the service's own name for it.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// How often the request was attempted; 0 if it was refused before that.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the whole call took, waits included.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// How long the service asked to wait, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Why a failure of a passing kind was not tried again.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.0.stop
    }

    /// How far the request got.
    #[must_use]
    pub fn delivery(&self) -> Option<Delivery> {
        self.0.delivery
    }

    /// Whether the service may have acted although no complete answer came, in the last attempt or in an earlier one.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        self.0.delivery == Some(Delivery::Unknown)
    }

    /// Whether the service answered 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(StatusCode::NOT_FOUND)
    }

    /// Whether an argument was refused before anything was sent.
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        self.kind() == ErrorKind::InvalidInput
    }

    /// Whether time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Whether the service refused the call because there were too many.
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
