//! Settling: one verdict per lock token, read from an answer that is a success even when every token failed.

use std::fmt;

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_core::{AfterUnknown, Call, ErrorDetail, read};

use crate::operations::REJECT;
use crate::{Error, ErrorKind, Receiver, Result};

/// What became of each lock token.
#[must_use = "a settle call succeeds even when the service settled none of the events"]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettleResult {
    /// The tokens whose events are settled.
    pub succeeded: Vec<String>,
    /// The tokens whose events are not settled by this call, with the reason.
    pub failed: Vec<FailedToken>,
    /// Tokens that are reported as lost after an attempt of this call went unanswered: that attempt may have settled them.
    pub maybe_settled: Vec<FailedToken>,
}

impl SettleResult {
    /// The succeeded tokens, if no other verdict came.
    ///
    /// # Errors
    ///
    /// Names how many tokens failed, and the first reason.
    pub fn into_result(self) -> Result<Vec<String>> {
        let Some(first) = self.failed.iter().chain(&self.maybe_settled).next() else {
            return Ok(self.succeeded);
        };
        let (failed, total) = (self.failed.len() + self.maybe_settled.len(), self.succeeded.len());
        let text = format!("{failed} of {} events were not settled; the first: {first}", failed + total);
        Err(Error::new(ErrorKind::Service, text))
    }
}

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

impl fmt::Display for FailedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
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

/// Rejects events; made by [`Receiver::reject`].
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct Reject {
    call: Call<SettleResult>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LockTokens<'a> {
    lock_tokens: &'a [String],
}

impl Reject {
    pub(crate) fn new(receiver: &Receiver, tokens: &[String]) -> Self {
        let names = [("topicName", &*receiver.topic), ("eventSubscriptionName", &*receiver.subscription)];
        let mut call = Call::new(&receiver.namespace.pipeline, &REJECT, &names, settled);
        call.query("api-version", &*receiver.namespace.api_version);
        call.accept("application/json");
        if tokens.is_empty() {
            call.check(Err(Error::invalid_input("lock tokens", "must be at least one", None)));
        }
        if tokens.iter().any(String::is_empty) {
            call.check(Err(Error::invalid_input("lock token", "must not be empty", None)));
        }
        match serde_json::to_vec(&LockTokens { lock_tokens: tokens }) {
            Ok(body) => call.body("application/json", body),
            Err(error) => {
                call.check(Err(Error::invalid_input("lock tokens", "are not JSON", None).with_source(error)));
            }
        }
        Self { call }
    }
}

service_core::call_setters!(Reject => SettleResult);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    succeeded_lock_tokens: Vec<String>,
    #[serde(default)]
    failed_lock_tokens: Vec<FailedLockToken>,
}

/// Both shapes of a failure: `error` of today, `errorCode` and `errorDescription` of the previews.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailedLockToken {
    lock_token: String,
    #[serde(default)]
    error: Value,
    error_code: Option<String>,
    error_description: Option<String>,
}

impl From<FailedLockToken> for FailedToken {
    fn from(wire: FailedLockToken) -> Self {
        let detail = ErrorDetail::from_value(&wire.error);
        let code = detail.as_ref().and_then(|detail| detail.code.clone()).or(wire.error_code);
        let message = detail.as_ref().and_then(|detail| detail.message.clone()).or(wire.error_description);
        let (code, message) = (code.unwrap_or_default().into(), message.unwrap_or_default());
        Self { lock_token: wire.lock_token, code, message, detail }
    }
}

fn settled(answer: &Response<Bytes>) -> Result<SettleResult> {
    let Answer { succeeded_lock_tokens, failed_lock_tokens } = read::json(answer)?;
    let failed = failed_lock_tokens.into_iter().map(FailedToken::from);
    // A token that an unanswered attempt settled is lost for the next one: `TokenLost` then proves nothing.
    let unsure = answer.extensions().get::<AfterUnknown>().is_some();
    let (maybe_settled, failed) = failed.partition(|token| unsure && token.code == TokenErrorCode::TokenLost);
    Ok(SettleResult { succeeded: succeeded_lock_tokens, failed, maybe_settled })
}
