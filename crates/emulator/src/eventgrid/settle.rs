//! Acknowledge, release, reject, and renew: one result per lock token. The status is 200 even if all of them failed.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use super::EventGrid;
use super::errors::{Rejection, SETTLED, json};
use super::lock_token::LockToken;
use super::target::{ApiVersion, Target};
use crate::message::{Request, Response, json_from_slice};

/// The maximum that one receive returns. The service documents no limit.
const MAX_TOKENS: usize = 100;

/// What to do with locked events.
#[derive(Clone, Copy, Debug)]
pub(super) enum Settlement {
    Acknowledge,
    Release,
    Reject,
    Renew,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "lockTokens")]
    lock_tokens: Vec<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    succeeded_lock_tokens: Vec<String>,
    failed_lock_tokens: Vec<FailedLockToken>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FailedLockToken {
    #[serde(rename_all = "camelCase")]
    Nested { lock_token: String, error: TokenError },
    /// The shape in 2023-06-01-preview.
    #[serde(rename_all = "camelCase")]
    Flat { lock_token: String, error_code: &'static str, error_description: &'static str },
}

#[derive(Clone, Copy, Serialize)]
struct TokenError {
    code: &'static str,
    message: &'static str,
}

const BAD_TOKEN: TokenError = TokenError { code: "BadToken", message: "Cannot decode lockToken" };
const TOKEN_LOST: TokenError = TokenError { code: "TokenLost", message: "Token has expired." };

pub(super) fn settle(
    grid: &EventGrid,
    target: &Target<'_>,
    settlement: Settlement,
    version: ApiVersion,
    request: &Request,
) -> Result<Response, Rejection> {
    let delay = release_delay(settlement, version, request)?;
    // An unknown subscription is reported before any error in the body, which is read without a lock.
    grid.namespace().queue(target.topic, target.subscription)?;
    let tokens = lock_tokens(request)?;
    let now = grid.clock().now();
    let mut namespace = grid.namespace();
    let queue = namespace.queue(target.topic, target.subscription)?;
    let outcome = queue.change(now, |held| {
        let mut outcome = Outcome::default();
        outcome.succeeded_lock_tokens.reserve(tokens.len());
        for token in tokens {
            let settled = match settlement {
                Settlement::Acknowledge => apply(&token, |lock| held.acknowledge(lock)),
                Settlement::Release => apply(&token, |lock| held.release(lock, delay, now)),
                Settlement::Reject => apply(&token, |lock| held.reject(lock)),
                Settlement::Renew => apply(&token, |lock| held.renew(lock, now)),
            };
            match settled {
                Ok(()) => outcome.succeeded_lock_tokens.push(token),
                Err(error) => outcome.failed_lock_tokens.push(failed(token, error, version)),
            }
        }
        outcome
    });
    json(SETTLED, &outcome)
}

fn apply(token: &str, settle: impl FnOnce(&LockToken) -> bool) -> Result<(), TokenError> {
    let token = LockToken::decode(token).ok_or(BAD_TOKEN)?;
    if settle(&token) { Ok(()) } else { Err(TOKEN_LOST) }
}

fn failed(lock_token: String, error: TokenError, version: ApiVersion) -> FailedLockToken {
    match version {
        ApiVersion::V2023_06_01Preview => {
            FailedLockToken::Flat { lock_token, error_code: error.code, error_description: error.message }
        }
        _ => FailedLockToken::Nested { lock_token, error },
    }
}

/// The delays that the API allows. A version without delays rejects the parameter instead of ignoring it.
fn release_delay(
    settlement: Settlement,
    version: ApiVersion,
    request: &Request,
) -> Result<Duration, Rejection> {
    let (Settlement::Release, Some(delay)) = (settlement, request.query("releaseDelayInSeconds")) else {
        return Ok(Duration::ZERO);
    };
    let seconds = match delay {
        _ if !version.has_delay_and_renewal() => None,
        "0" => Some(0),
        "10" => Some(10),
        "60" => Some(60),
        "600" => Some(600),
        "3600" => Some(3600),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(|| Rejection::bad_request("Error parsing query parameters"))
}

fn lock_tokens(request: &Request) -> Result<Vec<String>, Rejection> {
    let content_type =
        request.header(CONTENT_TYPE).ok_or_else(|| Rejection::bad_request("CONTENT-TYPE is not provided"))?;
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Rejection::unsupported_media_type(content_type));
    }
    let body: Body = json_from_slice(&request.body).map_err(|_| Rejection::not_json())?;
    if !(1..=MAX_TOKENS).contains(&body.lock_tokens.len()) {
        return Err(Rejection::bad_request("The number of lock tokens must be between 1 and 100"));
    }
    Ok(body.lock_tokens)
}
