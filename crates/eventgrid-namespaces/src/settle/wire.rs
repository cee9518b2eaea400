//! The JSON of the settle operations: the request with its tokens, and the results in both shapes that have been observed.

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_core::{AfterUnknown, ErrorDetail};

use super::{FailedToken, SettleResult, TokenErrorCode};
use crate::{Result, response};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LockTokens<'a> {
    pub(super) lock_tokens: &'a [String],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettleBody {
    succeeded_lock_tokens: Option<Vec<String>>,
    failed_lock_tokens: Option<Vec<FailedLockToken>>,
}

/// Both shapes of a failure: the current `error`, and `errorCode` with `errorDescription` as in the previews.
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

/// Reads the result of a renewal. A renewal does not consume the token, so a lost token is lost regardless of earlier attempts.
pub(super) fn renewed(received: &Response<Bytes>) -> Result<SettleResult> {
    let SettleBody { succeeded_lock_tokens, failed_lock_tokens } = response::parse(received)?;
    if succeeded_lock_tokens.is_none() && failed_lock_tokens.is_none() {
        let reason = "it has neither `succeededLockTokens` nor `failedLockTokens`";
        return Err(response::unexpected(received, reason));
    }
    let failed = failed_lock_tokens.unwrap_or_default().into_iter().map(FailedToken::from).collect();
    let succeeded = succeeded_lock_tokens.unwrap_or_default();
    Ok(SettleResult { succeeded, failed, ..SettleResult::default() })
}

/// Reads the result of a settle operation.
pub(super) fn settled(received: &Response<Bytes>) -> Result<SettleResult> {
    let mut result = renewed(received)?;
    // A token that was settled by an attempt without a response is lost for the next attempt, so `TokenLost` is ambiguous.
    if received.extensions().get::<AfterUnknown>().is_some() {
        let failed = std::mem::take(&mut result.failed).into_iter();
        (result.maybe_settled, result.failed) =
            failed.partition(|token| token.code == TokenErrorCode::TokenLost);
    }
    Ok(result)
}
