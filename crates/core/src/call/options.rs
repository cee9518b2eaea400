//! The settings that a caller overrides for one call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, Result};
use crate::{Policy, RetryOptions};

/// The headers that follow from the credential, the endpoint, and the body. Another value would be replaced silently, would
/// name a host that the credential is not meant for, or would break the framing of HTTP/1.1.
const RESERVED_HEADERS: [HeaderName; 6] =
    [AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE];

/// Contains the settings that a caller overrides for one call.
///
/// Each [`Call`](crate::Call) has one. [`call_setters!`](crate::call_setters) adds a setter for each override to an
/// operation's builder. A builder that sends several requests keeps one value and passes it to each of its calls with
/// [`Call::set_options`](crate::Call::set_options).
#[derive(Clone, Default)]
pub struct CallOptions {
    pub(super) headers: HeaderMap,
    invalid_header: Option<InvalidHeader>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) retry: Option<RetryOptions>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) policies: Vec<Arc<dyn Policy>>,
}

/// Why a header cannot be set. The value is never kept, since a header may contain a secret.
#[derive(Clone)]
enum InvalidHeader {
    Reserved(HeaderName),
    Name,
    Value,
}

impl CallOptions {
    /// Sets a header, replacing any value that the client would send.
    ///
    /// An invalid or reserved header is reported when the call is sent.
    pub fn set_header<N, V>(&mut self, name: N, value: V)
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        let invalid = match (name.try_into(), value.try_into()) {
            (Ok(name), _) if RESERVED_HEADERS.contains(&name) => InvalidHeader::Reserved(name),
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
                return;
            }
            (Err(_), _) => InvalidHeader::Name,
            (_, Err(_)) => InvalidHeader::Value,
        };
        self.invalid_header.get_or_insert(invalid);
    }

    /// Sets the timeout of the whole call.
    pub fn set_deadline(&mut self, limit: Duration) {
        self.deadline = Some(limit);
    }

    /// Returns the timeout of the whole call, or `None` if the client's applies.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Sets the timeout of one attempt.
    pub fn set_attempt_timeout(&mut self, limit: Duration) {
        self.attempt_timeout = Some(limit);
    }

    /// Sets the timeout for establishing a connection.
    pub fn set_connect_timeout(&mut self, limit: Duration) {
        self.connect_timeout = Some(limit);
    }

    /// Sets the retry policy for transient failures.
    pub fn set_retry(&mut self, retry: RetryOptions) {
        self.retry = Some(retry);
    }

    /// Sets whether the call may be retried if the service may already have acted on it.
    pub fn set_idempotent(&mut self, idempotent: bool) {
        self.idempotent = Some(idempotent);
    }

    /// Adds a policy that runs once around the call.
    pub fn add_policy(&mut self, policy: Arc<dyn Policy>) {
        self.policies.push(policy);
    }

    /// Returns an error if a header is invalid.
    pub(super) fn check(&self) -> Result<()> {
        let Some(invalid) = &self.invalid_header else { return Ok(()) };
        Err(match invalid {
            InvalidHeader::Reserved(name) => {
                let rule = "is set by the client and cannot be overridden";
                Error::invalid_input("header", rule, Some(name.as_str()))
            }
            InvalidHeader::Name => Error::invalid_input("header", "has an invalid name", None),
            InvalidHeader::Value => Error::invalid_input("header", "has an invalid value", None),
        })
    }
}

impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("deadline", &self.deadline)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("retry", &self.retry)
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}
