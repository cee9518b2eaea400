//! The extension point for services that block clients which send too often: the client then stays below the limit.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// Limits how often a client sends requests.
///
/// Every attempt, including retries, takes a slot before it is sent. Clones of a client share one rate limiter.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use service_core::{NoSlot, RateLimiter};
///
/// /// Allows one request per second.
/// #[derive(Debug, Default)]
/// struct OnePerSecond(Mutex<Duration>);
///
/// impl RateLimiter for OnePerSecond {
///     fn take(&self, now: Duration, longest: Duration) -> Result<Duration, NoSlot> {
///         let mut next = self.0.lock().unwrap();
///         let wait = next.saturating_sub(now);
///         if wait > longest {
///             return Err(NoSlot::TooLate(wait));
///         }
///         *next = now + wait + Duration::from_secs(1);
///         Ok(wait)
///     }
/// }
///
/// let limiter = OnePerSecond::default();
/// assert_eq!(limiter.take(Duration::ZERO, Duration::MAX).unwrap(), Duration::ZERO);
/// assert_eq!(limiter.take(Duration::ZERO, Duration::MAX).unwrap(), Duration::from_secs(1));
/// ```
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Takes the next slot at or after `now` and returns the wait until it.
    ///
    /// `now` is a value of [`Clock::elapsed`](crate::Clock::elapsed).
    ///
    /// # Errors
    ///
    /// Returns [`NoSlot`] if the wait is longer than `longest`, or if the limiter's state is not available. No slot is taken
    /// in these cases.
    fn take(&self, now: Duration, longest: Duration) -> Result<Duration, NoSlot>;
}

/// Describes why a [`RateLimiter`] took no slot.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoSlot {
    /// The next slot begins after this wait, which is longer than allowed. The call fails.
    TooLate(Duration),
    /// The limiter's state is in use, for example by another process. The limiter is asked again after this wait.
    Busy(Duration),
    /// The limiter's state cannot be used. The call fails with this error.
    Failed(Error),
}
