//! The settings of a subscription that control its deliveries. In the service they belong to the control plane, so they
//! are set by method here and no request can read them.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The service's bounds. Times are in seconds.
pub(crate) const LOCK_DURATION: RangeInclusive<u64> = 60..=300;
pub(crate) const MAX_DELIVERY_COUNT: RangeInclusive<u32> = 1..=10;
pub(crate) const TIME_TO_LIVE: RangeInclusive<u64> = 60..=7 * 24 * 60 * 60;

/// A set of options that controls how a subscription delivers.
///
/// Values outside the service's bounds are clamped to the nearest bound.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use service_emulator::Emulator;
/// use service_emulator::eventgrid::SubscriptionSettings;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = Emulator::start().await?;
/// let grid = emulator.eventgrid();
/// let settings = SubscriptionSettings::default()
///     .lock_duration(Duration::from_secs(90))
///     .max_delivery_count(3);
/// grid.declare_with("orders", "billing", settings);
/// assert_eq!(grid.topics()[0].subscriptions[0].settings, settings);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionSettings {
    pub(super) lock_duration: Duration,
    pub(super) max_delivery_count: u32,
    pub(super) time_to_live: Duration,
}

impl Default for SubscriptionSettings {
    fn default() -> Self {
        Self {
            lock_duration: Duration::from_secs(60),
            max_delivery_count: 10,
            time_to_live: Duration::from_secs(*TIME_TO_LIVE.end()),
        }
    }
}

impl SubscriptionSettings {
    /// The lock duration, the maximum delivery count, and the time to live.
    pub(crate) fn shown(&self) -> (Duration, u32, Duration) {
        (self.lock_duration, self.max_delivery_count, self.time_to_live)
    }

    /// Sets how long a received event stays locked: 60 s to 300 s. Default: 60 s.
    #[must_use]
    pub fn lock_duration(mut self, duration: Duration) -> Self {
        self.lock_duration = clamp(duration, &LOCK_DURATION);
        self
    }

    /// Sets after how many deliveries without an acknowledgement an event becomes a dead letter: 1 to 10. Default: 10.
    #[must_use]
    pub fn max_delivery_count(mut self, count: u32) -> Self {
        self.max_delivery_count = count.clamp(*MAX_DELIVERY_COUNT.start(), *MAX_DELIVERY_COUNT.end());
        self
    }

    /// Sets how long after its publication an event becomes a dead letter: 1 minute to 7 days. Default: 7 days.
    #[must_use]
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = clamp(time, &TIME_TO_LIVE);
        self
    }
}

fn clamp(duration: Duration, seconds: &RangeInclusive<u64>) -> Duration {
    duration.clamp(Duration::from_secs(*seconds.start()), Duration::from_secs(*seconds.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn settings_out_of_bounds_move_to_the_nearest_bound() {
        let min = SubscriptionSettings::default()
            .lock_duration(Duration::ZERO)
            .max_delivery_count(0)
            .time_to_live(Duration::ZERO);
        assert_eq!(min.lock_duration, Duration::from_secs(60));
        assert_eq!(min.max_delivery_count, 1);
        assert_eq!(min.time_to_live, Duration::from_secs(60));
        let max =
            SubscriptionSettings::default().lock_duration(DAY).max_delivery_count(99).time_to_live(DAY * 30);
        assert_eq!(max.lock_duration, Duration::from_secs(300));
        assert_eq!(max.max_delivery_count, 10);
        assert_eq!(max.time_to_live, DAY * 7);
    }
}
