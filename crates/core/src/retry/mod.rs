//! When a failed attempt is tried again, and after which wait.
//!
//! The rules go by the *outcome* of the attempt, not by its error alone:
//!
//! | Outcome | Tried again |
//! |---|---|
//! | not sent: DNS, connect, TLS broken off, refused HTTP/2 stream | always; a rejected certificate never |
//! | 429, and 503 with a hint | always: the service says that it did nothing |
//! | no complete answer, 408, 500, 502, 504, 503 without a hint | only when the operation is idempotent |
//! | success whose body was lost | only when the operation is idempotent |
//! | anything else | never |
//!
//! Waits double from 0.8 s up to 30 s and are drawn between zero and that bound, so that clients that failed together do
//! not come back together; a hint of the service replaces the drawn wait. What does not fit into the call's deadline is not
//! waited for. A quota per client ends retries when nearly all of them fail.

mod hint;
mod quota;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response, StatusCode};

pub(crate) use quota::Quota;

use crate::clock::Randomness;
use crate::error::{Delivery, Result, StopReason};

/// How a client, or one call, retries.
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryOptions {
    max_retries: u32,
    base: Duration,
    cap: Duration,
}

impl Default for RetryOptions {
    /// 3 retries, waits from 0.8 s doubling up to 30 s.
    fn default() -> Self {
        Self { max_retries: 3, base: Duration::from_millis(800), cap: Duration::from_secs(30) }
    }
}

impl RetryOptions {
    /// Every failure is final.
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// How many attempts may follow the first.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The bound of the first wait; it doubles with each further one.
    pub fn initial_backoff(mut self, wait: Duration) -> Self {
        self.base = wait;
        self
    }

    /// The longest wait that is drawn; a hint of the service may be longer.
    pub fn max_backoff(mut self, wait: Duration) -> Self {
        self.cap = wait;
        self
    }

    /// The wait before the retry of that number, the first being 0.
    fn wait(&self, retry: u32, randomness: &Randomness) -> Duration {
        let bound = self.base.saturating_mul(2u32.saturating_pow(retry)).min(self.cap);
        randomness.up_to(bound)
    }
}

/// The kind of a passing failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Transient,
    Throttled,
}

/// What an attempt's outcome says about another attempt.
#[derive(Debug, PartialEq, Eq)]
enum Settlement {
    Done,
    Retry(Cause),
    NotIdempotent,
}

/// One call's retry state: what it may still do, and what it has to remember for its error.
pub(crate) struct Retries<'a> {
    pub(crate) options: &'a RetryOptions,
    pub(crate) idempotent: bool,
    pub(crate) quota: &'a Quota,
    pub(crate) randomness: &'a Randomness,
    pub(crate) done: u32,
    pub(crate) taken: u32,
    /// An attempt of this call ended without a whole answer, so that the service may have acted whatever comes later.
    pub(crate) was_unknown: bool,
    /// An attempt of this call ended so that only idempotent operations are sent again: without a whole answer, or with one
    /// that leaves open what the service did.
    pub(crate) may_have_acted: bool,
}

/// What happens after an attempt.
pub(crate) enum Next {
    /// The outcome stands. The reason is given where its failure was of a passing kind.
    Stop(Option<StopReason>),
    Wait(Duration),
}

impl Retries<'_> {
    /// Decides; `left` is what remains of the call's deadline.
    pub(crate) fn next(
        &mut self,
        outcome: &Result<Response<bytes::Bytes>>,
        hint: Option<Duration>,
        left: Duration,
    ) -> Next {
        if let Err(error) = outcome {
            self.was_unknown |= matches!(error.delivery(), Some(Delivery::Unknown | Delivery::Accepted));
        }
        self.may_have_acted |= verdict(outcome, hint.is_some(), false) == Settlement::NotIdempotent;
        let cause = match verdict(outcome, hint.is_some(), self.idempotent) {
            Settlement::Done => return Next::Stop(None),
            Settlement::NotIdempotent => return Next::Stop(Some(StopReason::NotIdempotent)),
            Settlement::Retry(cause) => cause,
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

/// The table of the module's documentation.
fn verdict(outcome: &Result<Response<bytes::Bytes>>, hinted: bool, idempotent: bool) -> Settlement {
    let if_idempotent =
        if idempotent { Settlement::Retry(Cause::Transient) } else { Settlement::NotIdempotent };
    match outcome {
        Ok(answer) => match answer.status() {
            StatusCode::TOO_MANY_REQUESTS => Settlement::Retry(Cause::Throttled),
            StatusCode::SERVICE_UNAVAILABLE if hinted => Settlement::Retry(Cause::Throttled),
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => if_idempotent,
            _ => Settlement::Done,
        },
        Err(error) if error.inner().permanent => Settlement::Done,
        Err(error) => match error.delivery() {
            Some(Delivery::NotSent) => Settlement::Retry(Cause::Transient),
            Some(Delivery::Unknown | Delivery::Accepted) => if_idempotent,
            Some(Delivery::Responded) | None => Settlement::Done,
        },
    }
}

/// The hint of an answer or of an error that carries an answer's head.
pub(crate) fn hint(outcome: &Result<Response<bytes::Bytes>>, now: SystemTime) -> Option<Duration> {
    match outcome {
        Ok(answer) if answer.status().is_success() => None,
        Ok(answer) => hint_of(answer.headers(), now),
        Err(error) => hint_of(error.headers(), now),
    }
}

/// The hint of an answer's head.
pub(crate) fn hint_of(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if headers.is_empty() { None } else { hint::read(headers, now) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::error::{Error, ErrorKind};

    fn answered(status: u16) -> Result<Response<Bytes>> {
        Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
    }

    fn failed(delivery: Delivery) -> Result<Response<Bytes>> {
        Err(Error::new(ErrorKind::Transport, "made up").with_delivery(delivery))
    }

    #[test]
    fn the_table_holds_for_every_outcome() {
        let transient = || Settlement::Retry(Cause::Transient);
        let throttled = || Settlement::Retry(Cause::Throttled);
        for status in [200, 204, 301, 400, 401, 403, 404, 409, 413, 501] {
            for idempotent in [true, false] {
                assert_eq!(verdict(&answered(status), true, idempotent), Settlement::Done, "{status}");
            }
        }
        for idempotent in [true, false] {
            assert_eq!(verdict(&answered(429), false, idempotent), throttled());
            assert_eq!(verdict(&answered(503), true, idempotent), throttled());
            assert_eq!(verdict(&failed(Delivery::NotSent), false, idempotent), transient());
            let rejected = failed(Delivery::NotSent).map_err(Error::permanent);
            assert_eq!(verdict(&rejected, false, idempotent), Settlement::Done);
        }
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(verdict(&answered(status), false, true), transient(), "{status}");
            assert_eq!(verdict(&answered(status), false, false), Settlement::NotIdempotent, "{status}");
        }
        for delivery in [Delivery::Unknown, Delivery::Accepted] {
            assert_eq!(verdict(&failed(delivery), false, true), transient());
            assert_eq!(verdict(&failed(delivery), false, false), Settlement::NotIdempotent);
        }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_spread_over_their_window() {
        let options = RetryOptions::default();
        let randomness = Randomness::new(Some(1));
        for (retry, bound) in [(0, 0.8), (1, 1.6), (5, 25.6), (6, 30.0), (60, 30.0)] {
            let waits: Vec<_> = (0..1000).map(|_| options.wait(retry, &randomness).as_secs_f64()).collect();
            assert!(waits.iter().all(|wait| *wait <= bound), "{retry}");
            assert!(
                waits.iter().any(|wait| *wait > bound * 0.9) && waits.iter().any(|wait| *wait < bound * 0.1)
            );
        }
    }

    #[test]
    fn an_unknown_attempt_is_remembered_when_a_later_one_never_left() {
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
