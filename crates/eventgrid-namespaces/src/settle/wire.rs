//! The JSON of the settle operations: the tokens that are sent, and the settlements in both shapes that were seen.

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_core::{AfterUnknown, ErrorDetail, read};

use super::{FailedToken, SettleResult, TokenErrorCode};
use crate::Result;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LockTokens<'a> {
    pub(super) lock_tokens: &'a [String],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    succeeded_lock_tokens: Option<Vec<String>>,
    failed_lock_tokens: Option<Vec<FailedLockToken>>,
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

/// Verdicts about renewals. A renewal does not use the token up, so a lost one is lost whatever came before.
pub(super) fn renewed(answer: &Response<Bytes>) -> Result<SettleResult> {
    let Answer { succeeded_lock_tokens, failed_lock_tokens } = read::json(answer)?;
    let failed = failed_lock_tokens.unwrap_or_default().into_iter().map(FailedToken::from).collect();
    let succeeded = succeeded_lock_tokens.unwrap_or_default();
    Ok(SettleResult { succeeded, failed, ..SettleResult::default() })
}

/// Verdicts about settled tokens.
pub(super) fn settled(answer: &Response<Bytes>) -> Result<SettleResult> {
    let mut result = renewed(answer)?;
    // A token that an unanswered attempt settled is lost for the next one: `TokenLost` then proves nothing.
    if answer.extensions().get::<AfterUnknown>().is_some() {
        let failed = std::mem::take(&mut result.failed).into_iter();
        (result.maybe_settled, result.failed) =
            failed.partition(|token| token.code == TokenErrorCode::TokenLost);
    }
    Ok(result)
}
