//! One lock as far as a client can know it: when it ends, and when to renew it. Pure arithmetic over the clock's `elapsed`.

use std::time::Duration;

/// Renewals are accepted this long after an event was received, however long its lock is.
const RENEWAL_WINDOW: Duration = Duration::from_secs(60 * 60);
/// The service counts from when it locked the event, which is earlier than its arrival here.
const WINDOW_MARGIN: Duration = Duration::from_secs(10);
/// The shortest pause between renewals that fail.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    duration: Duration,
    /// From here on the service refuses renewals.
    window_ends: Duration,
    /// When it ends, unless it is renewed.
    pub(super) ends: Duration,
    /// When to renew it; `None` when it cannot be renewed any more, or is being renewed.
    renew_at: Option<Duration>,
}

impl Lock {
    /// A lock of an event that arrived just now.
    pub(super) fn new(now: Duration, duration: Duration, renewable: bool) -> Self {
        let window_ends = if renewable { now + RENEWAL_WINDOW - WINDOW_MARGIN } else { now };
        let mut lock = Self { duration, window_ends, ends: now, renew_at: None };
        lock.renewed(now);
        lock
    }

    /// It was renewed by a call that began then.
    pub(super) fn renewed(&mut self, began: Duration) {
        self.ends = began + self.duration;
        // A third of the lock is left for renewals that fail, and the last renewal comes as late as the window allows.
        let next = (began + self.duration * 2 / 3).min(self.window_ends);
        self.renew_at = (next > began).then_some(next);
    }

    /// A renewal is on its way.
    pub(super) fn renewing(&mut self) {
        self.renew_at = None;
    }

    /// It could not be renewed: half of what is left later, again.
    pub(super) fn put_off(&mut self, now: Duration) {
        let next = now + (self.ends.saturating_sub(now) / 2).max(RETRY);
        self.renew_at = (next < self.ends && next <= self.window_ends).then_some(next);
    }

    /// Nothing can be done about it any more.
    pub(super) fn give_up(&mut self) {
        (self.ends, self.renew_at) = (Duration::MAX, None);
    }

    /// Whether it is to be renewed in a call at this moment; those that are due soon go along.
    pub(super) fn wants_renewal(&self, now: Duration) -> bool {
        self.renew_at.is_some_and(|at| at <= now + self.duration / 10)
    }

    /// When it is to be renewed.
    pub(super) fn renewal_due(&self) -> Duration {
        self.renew_at.unwrap_or(Duration::MAX)
    }

    /// When something has to be done about it.
    pub(super) fn due(&self) -> Duration {
        self.renew_at.map_or(self.ends, |at| at.min(self.ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// When a lock is renewed that arrives at `start`, if each renewal succeeds at once; and when it ends.
    fn renewals(start: u64, duration: u64) -> (Vec<u64>, u64) {
        let mut lock = Lock::new(seconds(start), seconds(duration), true);
        let mut moments = Vec::new();
        while let Some(at) = lock.renew_at {
            assert_eq!(lock.due(), at);
            moments.push((at - seconds(start)).as_secs());
            lock.renewed(at);
        }
        (moments, (lock.ends - seconds(start)).as_secs())
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
    fn a_lock_that_cannot_be_renewed_just_ends() {
        let lock = Lock::new(seconds(5), seconds(60), false);
        assert_eq!((lock.renew_at, lock.due()), (None, seconds(65)));
        assert!(!lock.wants_renewal(seconds(64)));
    }

    #[test]
    fn a_failed_renewal_is_repeated_ever_sooner_until_the_lock_ends() {
        let mut lock = Lock::new(seconds(0), seconds(64), true);
        let mut moments = Vec::new();
        lock.put_off(seconds(44));
        while let Some(at) = lock.renew_at {
            moments.push(at.as_secs_f64());
            lock.put_off(at);
        }
        assert_eq!(moments, [54.0, 59.0, 61.5, 62.75, 63.75]);
        assert_eq!(lock.due(), seconds(64));
    }
}
