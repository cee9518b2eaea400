//! When a failed attempt is retried, and after which wait.
//!
//! The rules depend on the *outcome* of the attempt, not only on its error:
//!
//! | Outcome | Retried |
//! |---|---|
//! | not sent: DNS, connect, TLS handshake, rejected HTTP/2 stream | always, except for a rejected certificate |
//! | 429, and 503 with `Retry-After` | always: the service rejected the request |
//! | no complete response, 408, 500, 502, 504, 503 without `Retry-After` | only if the operation is idempotent |
//! | success whose body was lost | only if the operation is idempotent |
//! | anything else | never |
//!
//! The backoff doubles from 0.8 s up to 30 s. The wait is random between zero and the backoff (full jitter), so that clients
//! that failed together do not retry together. A `Retry-After` value replaces it. A wait that exceeds the call's deadline ends
//! the call. A quota per client stops retries if nearly all of them fail.

mod hint;
mod quota;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response, StatusCode};

pub(crate) use quota::Quota;

use crate::clock::Randomness;
use crate::error::{Delivery, Result, StopReason};

/// A builder that configures how a client or a single call retries transient failures.
///
/// By default, up to 3 retries follow the first attempt, with exponential backoff from 0.8 s to 30 s and full jitter: the wait
/// before retry *n* (starting at 0) is random between zero and `min(0.8 s * 2^n, 30 s)`. A `Retry-After` value in the response
/// replaces the random wait.
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
}

impl Default for RetryOptions {
    /// Returns the default policy: 3 retries, exponential backoff from 0.8 s to 30 s with full jitter.
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_backoff: Duration::from_millis(800),
            max_backoff: Duration::from_secs(30),
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
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Final,
    Retry(Cause),
    NotIdempotent,
}

/// The retry state of one call.
pub(crate) struct Retries<'a> {
    pub(crate) options: &'a RetryOptions,
    pub(crate) idempotent: bool,
    pub(crate) quota: &'a Quota,
    pub(crate) randomness: &'a Randomness,
    pub(crate) done: u32,
    /// What the last retry took from the quota.
    pub(crate) taken: u32,
    /// Whether an attempt of this call ended without a complete response, so that the service may have acted on it.
    pub(crate) was_unknown: bool,
    /// Whether an attempt of this call had an outcome after which only idempotent operations are retried: no complete response,
    /// or one that leaves open whether the service acted.
    pub(crate) may_have_acted: bool,
}

/// What happens after an attempt.
pub(crate) enum Next {
    /// The outcome is final. There is a reason if its failure was transient.
    Stop(Option<StopReason>),
    Wait(Duration),
}

impl Retries<'_> {
    /// Decides whether to retry; `left` is the time until the call's deadline.
    pub(crate) fn next(
        &mut self,
        outcome: &Result<Response<bytes::Bytes>>,
        hint: Option<Duration>,
        left: Duration,
    ) -> Next {
        if let Err(error) = outcome {
            self.was_unknown |= matches!(error.delivery(), Some(Delivery::Unknown | Delivery::Accepted));
        }
        self.may_have_acted |= decide(outcome, hint.is_some(), false) == Decision::NotIdempotent;
        let cause = match decide(outcome, hint.is_some(), self.idempotent) {
            Decision::Final => return Next::Stop(None),
            Decision::NotIdempotent => return Next::Stop(Some(StopReason::NotIdempotent)),
            Decision::Retry(cause) => cause,
        };
        if self.done >= self.options.max_retries {
            return Next::Stop(Some(StopReason::Attempts));
        }
        let wait = hint.unwrap_or_else(|| self.options.wait(self.done, self.randomness));
        if wait >= left {
            return Next::Stop(Some(StopReason::Deadline));
        }
        match self.quota.take(cause) {
            Some(price) => {
                self.taken = price;
                self.done += 1;
                Next::Wait(wait)
            }
            None => Next::Stop(Some(StopReason::Quota)),
        }
    }
}

/// Implements the table in the module's documentation.
fn decide(outcome: &Result<Response<bytes::Bytes>>, has_hint: bool, idempotent: bool) -> Decision {
    let if_idempotent = if idempotent { Decision::Retry(Cause::Transient) } else { Decision::NotIdempotent };
    match outcome {
        Ok(response) => match response.status() {
            StatusCode::TOO_MANY_REQUESTS => Decision::Retry(Cause::Throttled),
            StatusCode::SERVICE_UNAVAILABLE if has_hint => Decision::Retry(Cause::Throttled),
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => if_idempotent,
            _ => Decision::Final,
        },
        Err(error) if error.inner().permanent => Decision::Final,
        Err(error) => match error.delivery() {
            Some(Delivery::NotSent) => Decision::Retry(Cause::Transient),
            Some(Delivery::Unknown | Delivery::Accepted) => if_idempotent,
            Some(Delivery::Responded) | None => Decision::Final,
        },
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
    use bytes::Bytes;

    use super::*;
    use crate::error::{Error, ErrorKind};

    fn responded(status: u16) -> Result<Response<Bytes>> {
        Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
    }

    fn failed(delivery: Delivery) -> Result<Response<Bytes>> {
        Err(Error::new(ErrorKind::Transport, "scripted").with_delivery(delivery))
    }

    #[test]
    fn the_table_holds_for_every_outcome() {
        let transient = || Decision::Retry(Cause::Transient);
        let throttled = || Decision::Retry(Cause::Throttled);
        for status in [200, 204, 301, 400, 401, 403, 404, 409, 413, 501] {
            for idempotent in [true, false] {
                assert_eq!(decide(&responded(status), true, idempotent), Decision::Final, "{status}");
            }
        }
        for idempotent in [true, false] {
            assert_eq!(decide(&responded(429), false, idempotent), throttled());
            assert_eq!(decide(&responded(503), true, idempotent), throttled());
            assert_eq!(decide(&failed(Delivery::NotSent), false, idempotent), transient());
            let rejected = failed(Delivery::NotSent).map_err(Error::permanent);
            assert_eq!(decide(&rejected, false, idempotent), Decision::Final);
        }
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(decide(&responded(status), false, true), transient(), "{status}");
            assert_eq!(decide(&responded(status), false, false), Decision::NotIdempotent, "{status}");
        }
        for delivery in [Delivery::Unknown, Delivery::Accepted] {
            assert_eq!(decide(&failed(delivery), false, true), transient());
            assert_eq!(decide(&failed(delivery), false, false), Decision::NotIdempotent);
        }
    }

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
    fn an_unknown_attempt_is_recorded_when_a_later_one_is_not_sent() {
        let (options, quota, randomness) = (RetryOptions::default(), Quota::new(), Randomness::new(Some(1)));
        let mut retries = Retries {
            options: &options,
            idempotent: true,
            quota: &quota,
            randomness: &randomness,
            done: 0,
            taken: 0,
            was_unknown: false,
            may_have_acted: false,
        };
        let left = Duration::from_secs(100);
        assert!(matches!(retries.next(&failed(Delivery::Unknown), None, left), Next::Wait(_)));
        let _ = retries.next(&failed(Delivery::NotSent), None, left);
        assert!(retries.was_unknown);
    }
}
