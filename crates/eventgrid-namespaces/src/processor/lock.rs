//! A client's view of one lock: when it expires and when to renew it. Pure arithmetic on the clock's `elapsed`.

use std::time::Duration;

/// How long after an event was received the service accepts renewals, regardless of the lock duration.
const RENEWAL_WINDOW: Duration = Duration::from_secs(60 * 60);
/// The service counts from when it locked the event, which is before the event arrives here.
const WINDOW_MARGIN: Duration = Duration::from_secs(10);
/// The minimum pause after a failed renewal.
const MIN_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    duration: Duration,
    /// When the service starts to reject renewals.
    window_ends: Duration,
    /// When the lock expires unless it is renewed.
    pub(super) expires_at: Duration,
    /// When to renew the lock. `None` if it can no longer be renewed or is being renewed.
    renew_at: Option<Duration>,
}

impl Lock {
    /// Creates the lock of an event that has just arrived.
    pub(super) fn new(now: Duration, duration: Duration, renewable: bool) -> Self {
        let window_ends = if renewable { now + RENEWAL_WINDOW - WINDOW_MARGIN } else { now };
        let mut lock = Self { duration, window_ends, expires_at: now, renew_at: None };
        lock.renewed(now);
        lock
    }

    /// Records a successful renewal by a call that was sent at `sent_at`.
    pub(super) fn renewed(&mut self, sent_at: Duration) {
        self.expires_at = sent_at + self.duration;
        // A third of the lock duration is left for failed renewals. The last renewal is as late as the window allows.
        let next = (sent_at + self.duration * 2 / 3).min(self.window_ends);
        self.renew_at = (next > sent_at).then_some(next);
    }

    /// Records that a renewal is in flight.
    pub(super) fn renewing(&mut self) {
        self.renew_at = None;
    }

    /// Schedules the next attempt after a failed renewal: after half of the remaining time.
    pub(super) fn renewal_failed(&mut self, now: Duration) {
        let next = now + (self.expires_at.saturating_sub(now) / 2).max(MIN_PAUSE);
        self.renew_at = (next < self.expires_at && next <= self.window_ends).then_some(next);
    }

    /// Stops renewals and expiry, since the lock is lost.
    pub(super) fn give_up(&mut self) {
        (self.expires_at, self.renew_at) = (Duration::MAX, None);
    }

    /// Returns whether a renewal call at this moment should include the lock. Locks that are due soon are included too.
    pub(super) fn needs_renewal(&self, now: Duration) -> bool {
        self.renew_at.is_some_and(|at| at <= now + self.duration / 10)
    }

    /// Returns when the lock is to be renewed.
    pub(super) fn renewal_due(&self) -> Duration {
        self.renew_at.unwrap_or(Duration::MAX)
    }

    /// Returns when the lock needs attention.
    pub(super) fn due(&self) -> Duration {
        self.renew_at.map_or(self.expires_at, |at| at.min(self.expires_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Returns when a lock that arrives at `start` is renewed, if each renewal succeeds immediately, and when it expires.
    fn renewals(start: u64, duration: u64) -> (Vec<u64>, u64) {
        let mut lock = Lock::new(seconds(start), seconds(duration), true);
        let mut moments = Vec::new();
        while let Some(at) = lock.renew_at {
            assert_eq!(lock.due(), at);
            moments.push((at - seconds(start)).as_secs());
            lock.renewed(at);
        }
        (moments, (lock.expires_at - seconds(start)).as_secs())
    }

    #[test]
    fn a_lock_is_renewed_after_two_thirds_and_as_late_as_the_window_allows_but_not_later() {
        let (moments, end) = renewals(1000, 60);
        assert_eq!((moments.len(), &moments[..3], moments.last()), (90, &[40, 80, 120][..], Some(&3590)));
        assert_eq!(end, 3650);
        let (moments, end) = renewals(0, 300);
        assert_eq!((moments.last(), end), (Some(&3590), 3890));
    }

    #[test]
    fn a_lock_that_cannot_be_renewed_just_expires() {
        let lock = Lock::new(seconds(5), seconds(60), false);
        assert_eq!((lock.renew_at, lock.due()), (None, seconds(65)));
        assert!(!lock.needs_renewal(seconds(64)));
    }

    #[test]
    fn a_failed_renewal_is_retried_at_shrinking_intervals_until_the_lock_expires() {
        let mut lock = Lock::new(seconds(0), seconds(64), true);
        let mut moments = Vec::new();
        lock.renewal_failed(seconds(44));
        while let Some(at) = lock.renew_at {
            moments.push(at.as_secs_f64());
            lock.renewal_failed(at);
        }
        assert_eq!(moments, [54.0, 59.0, 61.5, 62.75, 63.75]);
        assert_eq!(lock.due(), seconds(64));
    }
}
