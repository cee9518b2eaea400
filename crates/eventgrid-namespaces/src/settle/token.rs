//! A lock token that failed, and the open set of codes that say why.

use std::fmt;

use service_core::ErrorDetail;

/// A lock token that the service did not settle.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedToken {
    /// The token.
    pub lock_token: String,
    /// Why, by code.
    pub code: TokenErrorCode,
    /// Why, in the service's words.
    pub message: String,
    /// The error as the service describes it, with nested details, where it was sent in that shape.
    pub detail: Option<ErrorDetail>,
}

impl FailedToken {
    /// A token that the service's answer passes over, so that nobody knows what became of it.
    pub(super) fn unnamed(lock_token: String) -> Self {
        let message = "the service's answer does not name this token".to_owned();
        Self { lock_token, code: TokenErrorCode::Other(String::new()), message, detail: None }
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

/// Why a token failed. Codes that this crate does not know are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorCode {
    /// The token is unknown, its lock has ended, or its event is settled already.
    TokenLost,
    /// The token is malformed.
    BadToken,
    /// The service failed; the only code that is worth another try.
    InternalServerError,
    /// Any other code.
    Other(String),
}

impl TokenErrorCode {
    /// The code as it stands on the wire.
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
