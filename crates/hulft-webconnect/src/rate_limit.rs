//! Keeps the client below the service's limit. After 100 calls in a minute, the service rejects every call of the
//! contract for 10 minutes, so waiting costs less than exceeding the limit.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use service_core::RateLimiter;

/// The vendor's limit, per minute.
const LIMIT: u32 = 100;

/// The service counts calls when they arrive, the client when they are sent. A delayed call counts later than it was
/// sent, together with calls that are sent a minute later, so its slot remains taken for this much longer.
const MARGIN: Duration = Duration::from_secs(5);

/// Limits how many requests a client sends, to stay below the service's limit of 100 calls per minute.
///
/// By default, a client sends at most 100 requests in any 65 s, including retries: the first hundred immediately, each
/// further one as soon as a slot is free. The 5 s beyond the service's minute allow for requests that take longer than
/// others to arrive. Clones share one limit. The service counts the calls of all API keys of a contract, which the
/// client cannot see: if several programs share a contract, assign a part of the limit to each.
///
/// # Examples
///
/// ```
/// use hulft_webconnect::{RateLimit, SiteClient};
///
/// let site = SiteClient::builder("my-api-key").rate_limit(RateLimit::per_minute(40)).build()?;
/// # Ok::<(), hulft_webconnect::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct RateLimit(Option<u32>);

impl RateLimit {
    /// Limits the client to this number of requests per minute, for programs that share a contract. 0 is treated as 1.
    pub fn per_minute(calls: u32) -> Self {
        Self(Some(calls.max(1)))
    }

    /// Disables the limit: every request is sent immediately. After 100 calls in a minute, the service rejects all
    /// calls of the contract for 10 minutes.
    pub fn none() -> Self {
        Self(None)
    }

    pub(crate) fn rate_limiter(&self) -> Option<SlidingWindow> {
        self.0.map(|calls| SlidingWindow::new(calls, Duration::from_secs(60) + MARGIN))
    }
}

impl Default for RateLimit {
    /// Returns a limit of 100 requests per minute.
    fn default() -> Self {
        Self(Some(LIMIT))
    }
}

/// The slots of the latest requests, at most as many as the window allows. A slot becomes free when the request that
/// took it has left the window.
#[derive(Debug)]
pub(crate) struct SlidingWindow {
    limit: usize,
    window: Duration,
    slots: Mutex<VecDeque<Duration>>,
}

impl SlidingWindow {
    fn new(limit: u32, window: Duration) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), window, slots: Mutex::default() }
    }
}

impl RateLimiter for SlidingWindow {
    fn take(&self, now: Duration, longest: Duration) -> Result<Duration, Duration> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let full = slots.len() >= self.limit;
        let free = slots.front().filter(|_| full).map(|oldest| oldest.saturating_add(self.window));
        // Never before the latest slot: callers can read the clock in a different order than they arrive here.
        let slot = now.max(free.unwrap_or_default()).max(slots.back().copied().unwrap_or_default());
        let wait = slot - now;
        if wait > longest {
            return Err(wait);
        }
        if full {
            slots.pop_front();
        }
        slots.push_back(slot);
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(65);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_hundred_are_sent_immediately_and_the_next_when_the_first_has_left_the_window() {
        let rate_limiter = RateLimit::default().rate_limiter().unwrap();
        for _ in 0..100 {
            assert_eq!(rate_limiter.take(seconds(3), Duration::ZERO), Ok(Duration::ZERO));
        }
        assert_eq!(rate_limiter.take(seconds(4), seconds(100)), Ok(seconds(64)));
    }

    #[test]
    fn a_wait_that_is_too_long_is_returned_and_takes_no_slot() {
        let rate_limiter = RateLimit::per_minute(1).rate_limiter().unwrap();
        rate_limiter.take(Duration::ZERO, Duration::ZERO).unwrap();
        for _ in 0..3 {
            assert_eq!(rate_limiter.take(seconds(5), seconds(59)), Err(seconds(60)));
        }
        assert_eq!(rate_limiter.take(seconds(5), seconds(60)), Ok(seconds(60)), "the bound itself fits");
    }

    #[test]
    fn none_has_no_rate_limiter_and_zero_per_minute_is_treated_as_one() {
        assert!(RateLimit::none().rate_limiter().is_none());
        assert_eq!(RateLimit::per_minute(0), RateLimit::per_minute(1));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limit(limit in 1u32..8, steps in proptest::collection::vec((0u64..40_000, 0u64..200_000), 1..80)) {
            let rate_limiter = RateLimit::per_minute(limit).rate_limiter().unwrap();
            let (mut now, mut slots) = (Duration::ZERO, Vec::new());
            for (step, longest) in steps {
                now += Duration::from_millis(step);
                // A wait that was too long takes no slot.
                match rate_limiter.take(now, Duration::from_millis(longest)) {
                    Ok(wait) => slots.push(now + wait),
                    Err(wait) => prop_assert!(wait > Duration::from_millis(longest)),
                }
            }
            for pair in slots.windows(limit as usize + 1) {
                prop_assert!(pair[limit as usize] - pair[0] >= WINDOW, "{pair:?}");
            }
        }
    }
}
