//! The clock of all clients: the system's, whose time of day jumps together with the emulator's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use service_core::{Clock, SystemClock};

/// A clock whose time of day is ahead. What measures durations is not affected.
#[derive(Debug, Default)]
pub(super) struct Shifted {
    system: SystemClock,
    /// In milliseconds.
    ahead: AtomicU64,
}

impl Shifted {
    /// Advances the time of day.
    pub(super) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for Shifted {
    fn now(&self) -> SystemTime {
        self.system.now() + Duration::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        self.system.sleep(wait).await;
    }
}
