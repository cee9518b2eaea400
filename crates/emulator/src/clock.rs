//! The emulator's clock: real time that a test may move forward, so that an hour of locks passes in milliseconds.
#![allow(clippy::disallowed_methods, reason = "this module is where the emulator's time comes from")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// Time as the emulated services see it. Clones share one time.
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

    /// The time of day, with everything that [`advance`](Self::advance) has added.
    pub fn now(&self) -> SystemTime {
        self.0.started_at + self.since_start()
    }

    /// Moves time forward and wakes whatever was waiting for a moment that has passed by it.
    pub fn advance(&self, by: Duration) {
        self.0.moved.send_modify(|moved| *moved += by);
    }

    /// Returns once `wait` has passed, by itself or by [`advance`](Self::advance).
    pub(crate) async fn sleep(&self, wait: Duration) {
        self.sleep_until(self.now() + wait).await;
    }

    /// Returns once it is `moment`, by itself or by [`advance`](Self::advance).
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

    /// Returns at this moment, or never without one.
    #[cfg(feature = "webpubsub")]
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

/// Time that no test moves: for what concerns the connection and not the service.
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

    /// What comes of the work within the limit.
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
        // Polled once, so that it sleeps before time moves.
        assert!(futures_util::FutureExt::now_or_never(&mut sleep).is_none());
        clock.advance(Duration::from_secs(3600));
        sleep.await;
        assert!(clock.now() >= before + Duration::from_secs(3600));
    }
}
