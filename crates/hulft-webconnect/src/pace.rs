//! Keeping below the service's limit of calls: after 100 in a minute it refuses every call of the contract for 10 minutes,
//! so that a client which runs into the limit is worse off than one that waits.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use service_core::RateLimiter;

/// The vendor's limit, per minute.
const LIMIT: u32 = 100;

/// The service counts calls as they arrive and the client as they leave. A call that was held up on its way counts later
/// than it left, and would meet those that leave a minute later: this much longer a place stays taken.
const MARGIN: Duration = Duration::from_secs(5);

/// How a client keeps below the service's limit of 100 calls a minute; see [`SiteClientBuilder::pacing`](crate::SiteClientBuilder::pacing).
///
/// By default a client sends at most 100 requests in any 65 s, retries included: the first hundred at once, each further one
/// as soon as it may. The 5 s above the service's minute are for requests that take longer on their way than others. Clones
/// share one count. The service counts over all API keys of a contract, which this crate cannot see: where several programs
/// share a contract, give each its part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Pacing(Option<u32>);

impl Pacing {
    /// At most this many requests a minute, over any 60 s, for where several programs share a contract. 0 counts as 1.
    pub fn calls_per_minute(calls: u32) -> Self {
        Self(Some(calls.max(1)))
    }

    /// No pacing: every call is sent at once. After 100 in a minute the service refuses all for 10 minutes.
    pub fn off() -> Self {
        Self(None)
    }

    pub(crate) fn rate_limiter(&self) -> Option<SlidingWindow> {
        self.0.map(|calls| SlidingWindow::new(calls, Duration::from_secs(60) + MARGIN))
    }
}

impl Default for Pacing {
    /// 100 requests a minute.
    fn default() -> Self {
        Self(Some(LIMIT))
    }
}

/// The places of the latest sends, as many as a window may hold: a place is free once the one that many sends before it has
/// left the window.
#[derive(Debug)]
pub(crate) struct SlidingWindow {
    limit: usize,
    window: Duration,
    places: Mutex<VecDeque<Duration>>,
}

impl SlidingWindow {
    fn new(limit: u32, window: Duration) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), window, places: Mutex::default() }
    }
}

impl RateLimiter for SlidingWindow {
    fn take(&self, now: Duration, longest: Duration) -> Result<Duration, Duration> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let full = places.len() >= self.limit;
        let free = places.front().filter(|_| full).map(|oldest| oldest.saturating_add(self.window));
        // Never before the latest place: callers may look at the clock in another order than they come here.
        let place = now.max(free.unwrap_or_default()).max(places.back().copied().unwrap_or_default());
        let wait = place - now;
        if wait > longest {
            return Err(wait);
        }
        if full {
            places.pop_front();
        }
        places.push_back(place);
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
    fn the_first_hundred_go_at_once_and_the_next_when_the_first_has_left_the_window() {
        let rate_limiter = Pacing::default().rate_limiter().unwrap();
        for _ in 0..100 {
            assert_eq!(rate_limiter.take(seconds(3), Duration::ZERO), Ok(Duration::ZERO));
        }
        assert_eq!(rate_limiter.take(seconds(4), seconds(100)), Ok(seconds(64)));
    }

    #[test]
    fn a_wait_that_is_too_long_is_told_and_takes_no_place() {
        let rate_limiter = Pacing::calls_per_minute(1).rate_limiter().unwrap();
        rate_limiter.take(Duration::ZERO, Duration::ZERO).unwrap();
        for _ in 0..3 {
            assert_eq!(rate_limiter.take(seconds(5), seconds(59)), Err(seconds(60)));
        }
        assert_eq!(rate_limiter.take(seconds(5), seconds(60)), Ok(seconds(60)), "the bound itself fits");
    }

    #[test]
    fn off_has_no_pacer_and_nothing_a_minute_counts_as_one() {
        assert!(Pacing::off().rate_limiter().is_none());
        assert_eq!(Pacing::calls_per_minute(0), Pacing::calls_per_minute(1));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limit(limit in 1u32..8, steps in proptest::collection::vec((0u64..40_000, 0u64..200_000), 1..80)) {
            let rate_limiter = Pacing::calls_per_minute(limit).rate_limiter().unwrap();
            let (mut now, mut places) = (Duration::ZERO, Vec::new());
            for (step, longest) in steps {
                now += Duration::from_millis(step);
                // What went wrong before must not count.
                match rate_limiter.take(now, Duration::from_millis(longest)) {
                    Ok(wait) => places.push(now + wait),
                    Err(wait) => prop_assert!(wait > Duration::from_millis(longest)),
                }
            }
            for pair in places.windows(limit as usize + 1) {
                prop_assert!(pair[limit as usize] - pair[0] >= WINDOW, "{pair:?}");
            }
        }
    }
}
