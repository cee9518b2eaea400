//! A lock token that failed, and the open set of error codes.

use std::fmt;

use service_core::ErrorDetail;

/// Describes a lock token that the service did not settle or renew.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedToken {
    /// Contains the lock token.
    pub lock_token: String,
    /// Contains the error code.
    pub code: TokenErrorCode,
    /// Contains the service's error message.
    pub message: String,
    /// Contains the service's error with its nested details, if the service sent one in that form.
    pub detail: Option<ErrorDetail>,
}

impl FailedToken {
    /// Creates the failure of a token that the service's response does not mention, so that its outcome is unknown.
    pub(super) fn missing(lock_token: String) -> Self {
        let message = "the service's response does not mention this token".to_owned();
        Self { lock_token, code: TokenErrorCode::Other(String::new()), message, detail: None }
    }

    /// Creates the failure of an empty token, which is not sent.
    pub(super) fn empty() -> Self {
        let message = "the lock token is empty; the service sent none with the event".to_owned();
        Self { lock_token: String::new(), code: TokenErrorCode::BadToken, message, detail: None }
    }
}

impl fmt::Display for FailedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.as_str() {
            "" => f.write_str(&self.message),
            code => write!(f, "{code}: {}", self.message),
        }
    }
}

/// Specifies why a token failed. Unknown codes are kept as [`Other`](Self::Other).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorCode {
    /// The token is unknown, its lock has expired, or its event has already been settled.
    TokenLost,
    /// The token is malformed or empty.
    BadToken,
    /// The service failed. This is the only code that is transient.
    InternalServerError,
    /// The service sent a code that this crate does not know.
    Other(String),
}

impl TokenErrorCode {
    /// Returns the code as the service sends it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::TokenLost => "TokenLost",
            Self::BadToken => "BadToken",
            Self::InternalServerError => "InternalServerError",
            Self::Other(code) => code,
        }
    }
}

impl From<String> for TokenErrorCode {
    fn from(code: String) -> Self {
        match code.as_str() {
            "TokenLost" => Self::TokenLost,
            "BadToken" => Self::BadToken,
            "InternalServerError" => Self::InternalServerError,
            _ => Self::Other(code),
        }
    }
}
