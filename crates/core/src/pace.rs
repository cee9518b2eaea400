//! The extension point for services that block clients which send too often: the client then stays below the limit.

use std::fmt;
use std::time::Duration;

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
/// use service_core::RateLimiter;
///
/// /// Allows one request per second.
/// #[derive(Debug, Default)]
/// struct OnePerSecond(Mutex<Duration>);
///
/// impl RateLimiter for OnePerSecond {
///     fn take(&self, now: Duration, longest: Duration) -> Result<Duration, Duration> {
///         let mut next = self.0.lock().unwrap();
///         let wait = next.saturating_sub(now);
///         if wait > longest {
///             return Err(wait);
///         }
///         *next = now + wait + Duration::from_secs(1);
///         Ok(wait)
///     }
/// }
///
/// let limiter = OnePerSecond::default();
/// assert_eq!(limiter.take(Duration::ZERO, Duration::MAX), Ok(Duration::ZERO));
/// assert_eq!(limiter.take(Duration::ZERO, Duration::MAX), Ok(Duration::from_secs(1)));
/// ```
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Takes the next slot at or after `now` and returns the wait until it.
    ///
    /// `now` is a value of [`Clock::elapsed`](crate::Clock::elapsed).
    ///
    /// # Errors
    ///
    /// Returns the wait if it is longer than `longest`. No slot is taken in this case.
    fn take(&self, now: Duration, longest: Duration) -> Result<Duration, Duration>;
}
