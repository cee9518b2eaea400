//! When a failed attempt is retried, and after which wait.
//!
//! The rules depend on the *outcome* of the attempt, not only on its error:
//!
//! | Outcome | Retried |
//! |---|---|
//! | not sent: DNS, connect, TLS handshake, pool, rejected HTTP/2 stream | always, except for a rejected certificate and a proxy that rejects the client |
//! | 429, and 503 with `Retry-After` | always: the service rejected the request |
//! | no complete response, 408, 500, 502, 504, 503 without `Retry-After` | only if the operation is idempotent |
//! | a 2xx whose response was lost | only if the operation is idempotent and its response carries a value |
//! | anything else | never |
//!
//! The backoff doubles from 0.8 s up to 30 s. The wait is random between zero and the backoff (full jitter), so that clients
//! that failed together do not retry together. A longer `Retry-After` value replaces it. A wait that exceeds the call's
//! deadline ends the call. A quota per client stops retries if nearly all of them fail.

mod hint;
mod outcome;
mod quota;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response};

pub(crate) use outcome::Outcome;
pub(crate) use quota::Quota;

use crate::clock::Randomness;
use crate::error::{Result, StopReason};

/// A builder that configures how a client or a single call retries transient failures.
///
/// By default, up to 3 retries follow the first attempt, with exponential backoff from 0.8 s to 30 s and full jitter: the wait
/// before retry *n* (starting at 0) is random between zero and `min(0.8 s * 2^n, 30 s)`. A longer `Retry-After` value in the
/// response replaces the random wait.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use service_core::RetryOptions;
///
/// let patient = RetryOptions::default()
///     .max_retries(5)
///     .initial_backoff(Duration::from_secs(1))
///     .max_backoff(Duration::from_secs(60));
/// let never = RetryOptions::none();
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryOptions {
    max_retries: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    bare_503_is_rejection: bool,
}

impl Default for RetryOptions {
    /// Returns the default policy: 3 retries, exponential backoff from 0.8 s to 30 s with full jitter.
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_backoff: Duration::from_millis(800),
            max_backoff: Duration::from_secs(30),
            bare_503_is_rejection: false,
        }
    }
}

impl RetryOptions {
    /// Returns a policy without retries.
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// Sets how many attempts may follow the first. Default: 3.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the maximum wait before the first retry. It doubles with each further retry. Default: 0.8 s.
    pub fn initial_backoff(mut self, wait: Duration) -> Self {
        self.initial_backoff = wait;
        self
    }

    /// Sets the maximum wait before any retry. Default: 30 s.
    ///
    /// A wait that the service asks for may be longer.
    pub fn max_backoff(mut self, wait: Duration) -> Self {
        self.max_backoff = wait;
        self
    }

    /// Sets whether a 503 without `Retry-After` means that the service rejected the request and did not act. Default: `false`.
    ///
    /// With `true`, such a response is always retried, also if the operation is not idempotent, and
    /// [`Error::outcome_unknown`](crate::Error::outcome_unknown) returns `false` for it. Only set it if no gateway or proxy on
    /// the way responds with 503 after it has forwarded a request.
    pub fn bare_503_is_rejection(mut self, rejection: bool) -> Self {
        self.bare_503_is_rejection = rejection;
        self
    }

    /// Draws the wait before a retry, whose number starts at 0.
    fn wait(&self, retry: u32, randomness: &Randomness) -> Duration {
        let backoff = self.initial_backoff.saturating_mul(2u32.saturating_pow(retry)).min(self.max_backoff);
        randomness.up_to(backoff)
    }
}

/// Why an attempt is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Transient,
    Throttled,
}

/// Whether an attempt with a given outcome may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Final,
    Retry(Cause),
    NotIdempotent,
}

/// Implements the table in the module's documentation.
fn decide(outcome: Outcome, idempotent: bool, returns_value: bool) -> Decision {
    match outcome {
        Outcome::NotSent => Decision::Retry(Cause::Transient),
        Outcome::Throttled => Decision::Retry(Cause::Throttled),
        Outcome::Accepted if !returns_value => Decision::Final,
        Outcome::Unknown | Outcome::Accepted if idempotent => Decision::Retry(Cause::Transient),
        Outcome::Unknown | Outcome::Accepted => Decision::NotIdempotent,
        Outcome::Ambiguous | Outcome::Rejected | Outcome::Failed => Decision::Final,
    }
}

/// The retry state of one call.
pub(crate) struct Retries<'a> {
    pub(crate) options: &'a RetryOptions,
    pub(crate) idempotent: bool,
    /// Whether the response carries a value that the caller needs.
    pub(crate) returns_value: bool,
    pub(crate) quota: &'a Quota,
    pub(crate) randomness: &'a Randomness,
    done: u32,
    /// What the last retry took from the quota.
    taken: u32,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(
        options: &'a RetryOptions,
        idempotent: bool,
        returns_value: bool,
        quota: &'a Quota,
        randomness: &'a Randomness,
    ) -> Self {
        Self { options, idempotent, returns_value, quota, randomness, done: 0, taken: 0 }
    }

    /// Classifies an attempt that did not succeed.
    pub(crate) fn classify(
        &self,
        attempt: &Result<Response<bytes::Bytes>>,
        hint: Option<Duration>,
    ) -> Outcome {
        Outcome::of(attempt, hint.is_some() || self.options.bare_503_is_rejection)
    }

    /// Returns the wait before the next attempt. An error means that the outcome is final; it contains a reason if the failure
    /// was transient. `left` is the time until the call's deadline.
    pub(crate) fn next(
        &mut self,
        outcome: Outcome,
        hint: Option<Duration>,
        left: Duration,
    ) -> Result<Duration, Option<StopReason>> {
        let cause = match decide(outcome, self.idempotent, self.returns_value) {
            Decision::Final => return Err(None),
            Decision::NotIdempotent => return Err(Some(StopReason::NotIdempotent)),
            Decision::Retry(cause) => cause,
        };
        if self.done >= self.options.max_retries {
            return Err(Some(StopReason::Attempts));
        }
        let wait = self.options.wait(self.done, self.randomness).max(hint.unwrap_or_default());
        if wait >= left {
            return Err(Some(StopReason::Deadline));
        }
        self.taken = self.quota.take(cause).ok_or(Some(StopReason::Quota))?;
        self.done += 1;
        Ok(wait)
    }

    pub(crate) fn succeeded(&self) {
        self.quota.give_back(self.taken);
    }
}

/// The wait that the service asked for, in a response or in an error with a response's headers.
pub(crate) fn hint(outcome: &Result<Response<bytes::Bytes>>, now: SystemTime) -> Option<Duration> {
    match outcome {
        Ok(response) if response.status().is_success() => None,
        Ok(response) => hint_of(response.headers(), now),
        Err(error) => hint_of(error.headers(), now),
    }
}

/// The wait that a response's headers ask for.
pub(crate) fn hint_of(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if headers.is_empty() { None } else { hint::read(headers, now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_and_spread_over_their_range() {
        let options = RetryOptions::default();
        let randomness = Randomness::new(Some(1));
        for (retry, backoff) in [(0, 0.8), (1, 1.6), (5, 25.6), (6, 30.0), (60, 30.0)] {
            let waits: Vec<_> = (0..1000).map(|_| options.wait(retry, &randomness).as_secs_f64()).collect();
            assert!(waits.iter().all(|wait| *wait <= backoff), "{retry}");
            assert!(
                waits.iter().any(|wait| *wait > backoff * 0.9)
                    && waits.iter().any(|wait| *wait < backoff * 0.1)
            );
        }
    }

    #[test]
    fn a_wait_is_never_shorter_than_the_backoff_or_the_retry_hint() {
        let (options, quota, seed) = (RetryOptions::default(), Quota::new(), Some(1));
        let left = Duration::from_secs(100);
        for hint in [None, Some(Duration::ZERO), Some(Duration::from_millis(1)), Some(Duration::from_secs(9))]
        {
            let (randomness, same) = (Randomness::new(seed), Randomness::new(seed));
            let mut retries = Retries::new(&options, true, true, &quota, &randomness);
            for retry in 0..3 {
                let backoff = options.wait(retry, &same);
                let wait = retries.next(Outcome::Throttled, hint, left);
                assert_eq!(wait, Ok(backoff.max(hint.unwrap_or_default())), "{hint:?} {retry}");
            }
        }
    }
}
