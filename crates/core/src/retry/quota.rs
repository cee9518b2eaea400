//! The retry quota. If every call fails, retries no longer help and become the load that keeps a service down.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Cause;

impl Cause {
    /// The number of tokens that one retry takes. A rejection is cheap for the service, so retrying it costs less.
    fn price(self) -> u32 {
        match self {
            Self::Transient => 14,
            Self::Throttled => 5,
        }
    }
}

/// One client's tokens, shared by its clones.
#[derive(Debug)]
pub(crate) struct Quota(AtomicU32);

impl Quota {
    /// The initial and maximum number of tokens that a client can spend on retries.
    pub(crate) const CAPACITY: u32 = 500;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::CAPACITY))
    }

    pub(crate) fn left(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes a retry's price. Returns `None` if too few tokens are left.
    pub(crate) fn take(&self, cause: Cause) -> Option<u32> {
        let price = cause.price();
        let taken =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(price)).is_ok();
        taken.then_some(price)
    }

    /// Returns the price of a successful call's last retry, or 1 if it had none, so that a drained client recovers.
    pub(crate) fn give_back(&self, taken: u32) {
        // Nearly every call finds the quota full, and then changes nothing.
        let more = |left: u32| {
            (left < Self::CAPACITY).then(|| left.saturating_add(taken.max(1)).min(Self::CAPACITY))
        };
        // An error means that nothing was to be changed.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_whose_calls_all_fail_stops_after_35_transient_retries() {
        let quota = Quota::new();
        let retries = std::iter::from_fn(|| quota.take(Cause::Transient)).take(1000).count();
        assert_eq!(retries, 35);
        assert!(quota.take(Cause::Throttled).is_some(), "a cheaper retry still fits");
    }

    #[test]
    fn success_refills_the_quota_up_to_its_capacity() {
        let quota = Quota::new();
        while quota.take(Cause::Transient).is_some() {}
        for _ in 0..14 {
            quota.give_back(0);
        }
        assert!(quota.take(Cause::Transient).is_some());
        quota.give_back(10_000);
        assert_eq!(std::iter::from_fn(|| quota.take(Cause::Throttled)).take(1000).count(), 100);
    }
}
