//! Keeps the client below the service's limit. After 100 calls in a minute, the service rejects every call of the
//! contract for 10 minutes, so waiting costs less than exceeding the limit.

use std::collections::VecDeque;
#[cfg(feature = "shared-rate-limit")]
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use service_core::{Clock, NoSlot, RateLimiter};

use crate::Result;
#[cfg(feature = "shared-rate-limit")]
use crate::shared_window::SharedWindow;

/// The vendor's limit, per minute.
const LIMIT: u32 = 100;

/// The service counts calls when they arrive, the client when they are sent. A delayed call counts later than it was
/// sent, together with calls that are sent a minute later, so its slot remains taken for this much longer.
const MARGIN: Duration = Duration::from_secs(5);

/// How many calls a client sends at once. It does not know what other programs have sent in the last minute.
const BURST: u32 = 30;

/// Limits how many requests a client sends, to stay below the service's limit of 100 calls per minute.
///
/// By default, a client sends at most 100 requests in any 65 s, including retries: the first 30 immediately, further ones
/// every 0.65 s, each as soon as a slot is free. The 5 s beyond the service's minute allow for requests that take longer
/// than others to arrive. Clones share one limit.
///
/// The service counts the calls of all API keys of a contract, which the client cannot see. Programs on one machine can
/// share a limit through a file, see `shared` (feature `shared-rate-limit`). For programs on several machines, assign a
/// part of the limit to each.
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
pub struct RateLimit {
    calls: Option<u32>,
    #[cfg(feature = "shared-rate-limit")]
    file: Option<PathBuf>,
}

impl RateLimit {
    /// Limits the client to this number of requests per minute, for programs that share a contract. 0 is treated as 1.
    pub fn per_minute(calls: u32) -> Self {
        Self::new(Some(calls.max(1)))
    }

    /// Disables the limit: every request is sent immediately. After 100 calls in a minute, the service rejects all
    /// calls of the contract for 10 minutes.
    pub fn none() -> Self {
        Self::new(None)
    }

    /// Shares the limit with all programs of this machine that use the same file.
    ///
    /// The file contains when requests were sent, and nothing else. It is created with mode 0600 if it does not exist; its
    /// folder must exist, and only trusted programs should be able to write to it. Each request locks the file for a
    /// moment. The operating system releases the lock of a program that is killed. Since the file says what was sent,
    /// no burst is avoided: 100 requests are sent at once if no other program has sent any. The clock of the machine
    /// should not be set back by more than seconds; entries more than an hour in the future are dropped.
    ///
    /// Awaiting a call returns an error before anything is sent if the file cannot be locked, read, or written. A limit
    /// without calls, [`none`](Self::none), has nothing to share.
    ///
    /// # Examples
    ///
    /// ```
    /// use hulft_webconnect::{RateLimit, SiteClient};
    ///
    /// # let folder = std::env::temp_dir().join(format!("hulft-webconnect-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let limit = RateLimit::default().shared(folder.join("contract.limit"));
    /// let site = SiteClient::builder("my-api-key").rate_limit(limit).build()?;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), hulft_webconnect::BoxError>(())
    /// ```
    #[cfg(feature = "shared-rate-limit")]
    #[cfg_attr(docsrs, doc(cfg(feature = "shared-rate-limit")))]
    pub fn shared(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    fn new(calls: Option<u32>) -> Self {
        Self {
            calls,
            #[cfg(feature = "shared-rate-limit")]
            file: None,
        }
    }

    pub(crate) fn rate_limiter(&self, clock: Arc<dyn Clock>) -> Result<Option<Arc<dyn RateLimiter>>> {
        let Some(calls) = self.calls else { return Ok(None) };
        let slots = Slots::new(calls, Duration::from_secs(60) + MARGIN);
        #[cfg(feature = "shared-rate-limit")]
        if let Some(file) = &self.file {
            return Ok(Some(Arc::new(SharedWindow::new(file, slots, clock)?)));
        }
        drop(clock);
        Ok(Some(Arc::new(SlidingWindow::new(slots))))
    }
}

impl Default for RateLimit {
    /// Returns a limit of 100 requests per minute.
    fn default() -> Self {
        Self::new(Some(LIMIT))
    }
}

/// The slots of the latest requests, in order. A slot becomes free when the request that took it has left the window.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    limit: usize,
    pub(crate) window: Duration,
    pub(crate) taken: VecDeque<Duration>,
}

impl Slots {
    fn new(limit: u32, window: Duration) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), window, taken: VecDeque::new() }
    }

    /// The next free slot.
    pub(crate) fn next(&self, now: Duration) -> Duration {
        let oldest = self.taken.len().checked_sub(self.limit).and_then(|index| self.taken.get(index));
        let free = oldest.map(|oldest| oldest.saturating_add(self.window)).unwrap_or_default();
        // Never before the latest slot: callers can read the clock in a different order than they arrive here.
        now.max(free).max(self.taken.back().copied().unwrap_or_default())
    }

    /// Takes a slot. Those that no longer count are forgotten.
    pub(crate) fn take(&mut self, slot: Duration) {
        self.taken.push_back(slot);
        while self.taken.len() > self.limit {
            self.taken.pop_front();
        }
    }
}

/// The limit of one client. It begins cautiously, since other programs may have used up a part of the service's limit.
#[derive(Debug)]
pub(crate) struct SlidingWindow(Mutex<Cautious>);

#[derive(Debug)]
struct Cautious {
    slots: Slots,
    /// The time at which a client that had always sent evenly would send its next request.
    even: Duration,
}

impl SlidingWindow {
    fn new(slots: Slots) -> Self {
        Self(Mutex::new(Cautious { slots, even: Duration::ZERO }))
    }
}

impl RateLimiter for SlidingWindow {
    fn take(&self, now: Duration, longest: Duration) -> std::result::Result<Duration, NoSlot> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = u32::try_from(state.slots.limit).unwrap_or(u32::MAX);
        let interval = state.slots.window / limit;
        let ahead = interval * (BURST.min(limit) - 1);
        let slot = state.slots.next(now).max(state.even.saturating_sub(ahead));
        let wait = slot - now;
        if wait > longest {
            return Err(NoSlot::TooLate(wait));
        }
        state.even = state.even.max(slot) + interval;
        state.slots.take(slot);
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

    fn limiter(limit: &RateLimit) -> Arc<dyn RateLimiter> {
        limit.rate_limiter(Arc::new(crate::SystemClock::new())).unwrap().unwrap()
    }

    /// The wait, or the wait that is too long.
    fn take(
        limiter: &dyn RateLimiter,
        now: Duration,
        longest: Duration,
    ) -> std::result::Result<Duration, Duration> {
        limiter.take(now, longest).map_err(|error| match error {
            NoSlot::TooLate(wait) => wait,
            error => panic!("{error:?}"),
        })
    }

    #[test]
    fn the_first_thirty_are_sent_immediately_the_others_evenly_and_the_limit_holds() {
        let rate_limiter = limiter(&RateLimit::default());
        let now = seconds(3);
        for _ in 0..30 {
            assert_eq!(take(&*rate_limiter, now, Duration::ZERO), Ok(Duration::ZERO));
        }
        for later in 1..=70 {
            assert_eq!(take(&*rate_limiter, now, seconds(100)), Ok(Duration::from_millis(650) * later));
        }
        assert_eq!(
            take(&*rate_limiter, seconds(50), seconds(100)),
            Ok(seconds(18)),
            "the first leaves at 68 s"
        );
    }

    #[test]
    fn a_wait_that_is_too_long_is_returned_and_takes_no_slot() {
        let rate_limiter = limiter(&RateLimit::per_minute(1));
        take(&*rate_limiter, Duration::ZERO, Duration::ZERO).unwrap();
        for _ in 0..3 {
            assert_eq!(take(&*rate_limiter, seconds(5), seconds(59)), Err(seconds(60)));
        }
        assert_eq!(take(&*rate_limiter, seconds(5), seconds(60)), Ok(seconds(60)), "the bound itself fits");
    }

    #[test]
    fn none_has_no_rate_limiter_and_zero_per_minute_is_treated_as_one() {
        assert!(RateLimit::none().rate_limiter(Arc::new(crate::SystemClock::new())).unwrap().is_none());
        assert_eq!(RateLimit::per_minute(0), RateLimit::per_minute(1));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limit(limit in 1u32..8, steps in proptest::collection::vec((0u64..40_000, 0u64..200_000), 1..80)) {
            let rate_limiter = limiter(&RateLimit::per_minute(limit));
            let (mut now, mut slots) = (Duration::ZERO, Vec::new());
            for (step, longest) in steps {
                now += Duration::from_millis(step);
                // A wait that was too long takes no slot.
                match take(&*rate_limiter, now, Duration::from_millis(longest)) {
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
