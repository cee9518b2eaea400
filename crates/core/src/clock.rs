//! Time and randomness. No other module of the crate reads either from the system, so that retries, deadlines, and tokens
//! are tested in virtual time and from a seed.
#![allow(clippy::disallowed_methods, reason = "this module is where time and randomness come from")]

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

/// Provides the time that a client uses for timeouts, waits, and tokens.
///
/// [`SystemClock`] is the default. Tests replace it, usually with `testing::ManualClock`.
///
/// # Examples
///
/// A clock whose time of day is an hour ahead:
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use service_core::{Clock, SystemClock};
///
/// #[derive(Debug)]
/// struct Ahead(SystemClock);
///
/// #[async_trait::async_trait]
/// impl Clock for Ahead {
///     fn now(&self) -> SystemTime {
///         self.0.now() + Duration::from_secs(3600)
///     }
///
///     fn elapsed(&self) -> Duration {
///         self.0.elapsed()
///     }
///
///     async fn sleep(&self, wait: Duration) {
///         self.0.sleep(wait).await;
///     }
/// }
///
/// let clock = Ahead(SystemClock::new());
/// assert!(clock.now() > SystemClock::new().now());
/// ```
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the time of day, with which expiry times and HTTP dates are compared.
    fn now(&self) -> SystemTime;

    /// Returns the time since a fixed moment. It never goes backward; durations are measured with it.
    fn elapsed(&self) -> Duration;

    /// Waits until `wait` has passed.
    async fn sleep(&self, wait: Duration);
}

/// A clock that returns the system's time. Its `sleep` needs a tokio runtime with its time driver enabled.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Creates a clock whose [`elapsed`](Clock::elapsed) starts at zero.
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

/// Runs a future for at most `limit`. Returns its output, or `None` if the time runs out first.
///
/// The future is dropped when the time runs out. A future that is ready returns its output even if `limit` is zero.
///
/// # Examples
///
/// ```
/// use std::future::{pending, ready};
/// use std::time::Duration;
///
/// use service_core::{SystemClock, timeout};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let clock = SystemClock::new();
/// assert_eq!(timeout(&clock, Duration::from_secs(1), ready(7)).await, Some(7));
/// assert_eq!(timeout(&clock, Duration::from_millis(1), pending::<u8>()).await, None);
/// # }
/// ```
pub async fn timeout<F: Future>(clock: &dyn Clock, limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer: Option<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        // Created only if the future is not ready at once, so that the fast path needs no timer.
        let timer = timer.get_or_insert_with(|| clock.sleep(limit));
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// The random number generator for jitter and request ids.
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
    async fn a_ready_future_returns_its_output_and_a_pending_one_is_dropped_at_the_limit() {
        let clock = SystemClock::new();
        assert_eq!(timeout(&clock, Duration::ZERO, ready(7)).await, Some(7));
        assert_eq!(timeout(&clock, Duration::from_secs(3600), pending::<()>()).await, None);
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        let draw = |seed| Randomness::new(Some(seed)).uuid().to_string();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_eq!(draw(7).as_bytes()[14], b'4');
    }
}
