//! Time and randomness: the only module of the crate that asks the machine for either, so that every rule about retries,
//! deadlines and tokens is tested in virtual time and from a seed.
#![allow(clippy::disallowed_methods, reason = "this module is where time and randomness come from")]

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

/// Where a client takes its time from.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day: what tokens and HTTP dates are compared with.
    fn now(&self) -> SystemTime;

    /// Time that only moves forward, counted from some fixed moment: what durations are measured with.
    fn elapsed(&self) -> Duration;

    /// Returns once `wait` has passed.
    async fn sleep(&self, wait: Duration);
}

/// The machine's time.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock that starts counting now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// Runs `work` for at most `limit`; `None` when the time ran out first. Work that is ready wins over time that is up.
pub async fn within<F: Future>(clock: &dyn Clock, limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut alarm: Option<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        // Made only when the work is not ready at once, which spares the fast path a timer.
        let alarm = alarm.get_or_insert_with(|| clock.sleep(limit));
        alarm.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// The generator behind jitter and request ids.
#[derive(Debug)]
pub(crate) struct Randomness(Mutex<fastrand::Rng>);

impl Randomness {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(Mutex::new(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)))
    }

    /// A uniformly random duration from zero to `limit`.
    pub(crate) fn up_to(&self, limit: Duration) -> Duration {
        limit.mul_f64(self.with(fastrand::Rng::f64))
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.with(|rng| rng.u128(..)).to_ne_bytes()).into_uuid()
    }

    fn with<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_is_ready_wins_and_work_that_is_not_is_cut() {
        let clock = SystemClock::new();
        assert_eq!(within(&clock, Duration::ZERO, ready(7)).await, Some(7));
        assert_eq!(within(&clock, Duration::from_secs(3600), pending::<()>()).await, None);
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        let draw = |seed| Randomness::new(Some(seed)).uuid().to_string();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_eq!(draw(7).as_bytes()[14], b'4');
    }
}
