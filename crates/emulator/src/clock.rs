//! The emulator's clock: real time that a test can advance, so that an hour of locks passes in milliseconds.
#![allow(clippy::disallowed_methods, reason = "this module is where the emulator's time comes from")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// Where the clock stops when it is advanced: 9000-01-01, as a time since 1970. Timestamps have years of four digits, and locks, tokens, and
/// pauses end later than the time at which they start.
const LATEST: Duration = Duration::from_secs(221_845_392_000);

/// A clock that all emulated services use. Clones share the same time.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use std::time::Duration;
///
/// use service_emulator::Emulator;
///
/// let emulator = Emulator::start().await?;
/// let before = emulator.clock().now();
/// emulator.clock().advance(Duration::from_secs(3600));
/// assert!(emulator.clock().now() >= before + Duration::from_secs(3600));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    started_at: SystemTime,
    moved: watch::Sender<Duration>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let moved = watch::Sender::new(Duration::ZERO);
        Self(Arc::new(Inner { started: Instant::now(), started_at: SystemTime::now(), moved }))
    }

    /// Returns the current time, including everything that [`advance`](Self::advance) has added.
    pub fn now(&self) -> SystemTime {
        self.0.started_at + self.since_start()
    }

    /// Advances the clock and wakes everything whose deadline has passed as a result.
    ///
    /// The clock cannot be advanced beyond the year 8999.
    pub fn advance(&self, by: Duration) {
        let started_at = self.0.started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let max = LATEST.saturating_sub(started_at);
        self.0.moved.send_modify(|moved| *moved = moved.saturating_add(by).min(max));
    }

    /// Returns once `wait` has passed, in real time or through [`advance`](Self::advance).
    pub(crate) async fn sleep(&self, wait: Duration) {
        self.sleep_until(self.now() + wait).await;
    }

    /// Returns once the clock has reached `moment`, in real time or through [`advance`](Self::advance).
    pub(crate) async fn sleep_until(&self, moment: SystemTime) {
        let mut moved = self.0.moved.subscribe();
        loop {
            let left = moment.duration_since(self.now()).unwrap_or_default();
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = moved.changed() => {}
            }
        }
    }

    /// Returns once the clock has reached the moment. Without one, never returns.
    pub(crate) async fn sleep_until_some(&self, moment: Option<SystemTime>) {
        match moment {
            Some(moment) => self.sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }

    fn since_start(&self) -> Duration {
        self.0.started.elapsed() + *self.0.moved.borrow()
    }
}

/// Real time, which no test can advance. For timeouts of connections rather than of services.
pub(crate) mod real_time {
    use std::time::{Duration, Instant};

    /// Measures how long something takes.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Stopwatch(Instant);

    impl Stopwatch {
        pub(crate) fn start() -> Self {
            Self(Instant::now())
        }

        pub(crate) fn elapsed(self) -> Duration {
            self.0.elapsed()
        }
    }

    /// Returns the future's output, or `None` if it takes longer than the limit.
    pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(limit, work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn moving_time_ends_a_sleep_of_an_hour() {
        let clock = Clock::new();
        let before = clock.now();
        let mut sleep = Box::pin(clock.sleep(Duration::from_secs(3600)));
        // Polled once, so that it sleeps before the clock is advanced.
        assert!(futures_util::FutureExt::now_or_never(&mut sleep).is_none());
        clock.advance(Duration::from_secs(3600));
        sleep.await;
        assert!(clock.now() >= before + Duration::from_secs(3600));
    }

    #[test]
    fn a_clock_that_is_advanced_too_far_stops_at_a_time_that_can_be_written() {
        let clock = Clock::new();
        for _ in 0..2 {
            clock.advance(Duration::MAX);
            let since = clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            assert!((LATEST..LATEST + Duration::from_secs(3600)).contains(&since), "{since:?}");
        }
    }
}
