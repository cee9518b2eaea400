//! The seam for services that block a caller who sends too often: the client then keeps below the limit by itself.

use std::fmt;
use std::time::Duration;

/// Gives out the places in time at which a client may send. Shared by its clones.
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Takes the next place at or after `now`, a moment of [`Clock::elapsed`](crate::Clock::elapsed), and gives the wait
    /// until it.
    ///
    /// # Errors
    ///
    /// The wait, if it is longer than `longest`: no place was taken then.
    fn take(&self, now: Duration, longest: Duration) -> Result<Duration, Duration>;
}
