//! The retry quota: when everything fails, retries stop being a help and become the load that keeps a service down.

use std::sync::{Mutex, PoisonError};

use super::Cause;

/// What a client has to spend on retries at the start and at the most.
const FULL: u32 = 500;

impl Cause {
    /// What one retry costs: a refusal cost the service little, so its repeat costs little.
    fn price(self) -> u32 {
        match self {
            Self::Transient => 14,
            Self::Throttled => 5,
        }
    }
}

/// One client's tokens, shared by its clones.
#[derive(Debug)]
pub(crate) struct Quota(Mutex<u32>);

impl Quota {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(FULL))
    }

    /// Takes a retry's price; `None` if there is not enough left.
    pub(crate) fn take(&self, cause: Cause) -> Option<u32> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.checked_sub(cause.price())?;
        Some(cause.price())
    }

    /// A call succeeded: its last retry's price comes back, or 1 if it had none, so that a drained client recovers.
    pub(crate) fn give_back(&self, taken: u32) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + taken.max(1)).min(FULL);
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
    fn success_fills_the_quota_again_but_not_over_its_start() {
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
