//! The reconnect policy: the backoff between attempts to connect.

use std::time::Duration;

/// Returns a uniformly random duration between zero and the given bound.
pub(crate) type Jitter = Box<dyn Fn(Duration) -> Duration + Send>;

/// Configures how a client reconnects after its connection is lost.
///
/// Every attempt, including the first, follows a delay with equal jitter: half of the current backoff plus a random part of
/// the other half, so that clients that were disconnected together do not reconnect together. The backoff doubles with each
/// attempt. It resets once a connection has delivered a message or an acknowledgment of the program's own requests, or has lasted
/// for 5 s.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use webpubsub::client::Reconnect;
///
/// let reconnect = Reconnect::default()
///     .initial_backoff(Duration::from_secs(1))
///     .max_backoff(Duration::from_secs(60))
///     .max_attempts(20);
/// # let _ = reconnect;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Reconnect {
    initial_backoff: Duration,
    max_backoff: Duration,
    max_attempts: Option<u32>,
}

impl Default for Reconnect {
    /// Returns a policy with a backoff from 0.5 s to 30 s and no limit on attempts.
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            max_attempts: None,
        }
    }
}

impl Reconnect {
    /// Returns a policy that never makes a new connection.
    ///
    /// Dropped connections are still recovered; the client stops when a recovery fails.
    pub fn never() -> Self {
        Self { max_attempts: Some(0), ..Self::default() }
    }

    /// Sets the first backoff. Default: 0.5 s.
    pub fn initial_backoff(mut self, backoff: Duration) -> Self {
        self.initial_backoff = backoff;
        self
    }

    /// Sets the maximum backoff. Default: 30 s.
    ///
    /// A longer `Retry-After` value of the service takes precedence. While the client recovers a dropped connection, which must
    /// succeed within 30 s, the backoff is at most 5 s.
    pub fn max_backoff(mut self, backoff: Duration) -> Self {
        self.max_backoff = backoff;
        self
    }

    /// Sets after how many consecutive failed attempts the client stops. Default: no limit.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    pub(super) fn allows(&self, done: u32) -> bool {
        self.max_attempts.is_none_or(|max| done < max)
    }

    /// Returns the delay before an attempt, counted from 0.
    pub(super) fn delay(&self, attempt: u32, at_most: Duration, jitter: &Jitter) -> Duration {
        let bound = self
            .initial_backoff
            .saturating_mul(2u32.saturating_pow(attempt))
            .min(self.max_backoff)
            .min(at_most);
        let half = bound / 2;
        half + jitter(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum_backoff_and_are_never_shorter_than_half_of_it() {
        let longest: Jitter = Box::new(|bound| bound);
        let shortest: Jitter = Box::new(|_| Duration::ZERO);
        let reconnect = Reconnect::default();
        for (attempt, bound) in [(0, 500), (1, 1000), (5, 16_000), (6, 30_000), (u32::MAX, 30_000)] {
            let bound = Duration::from_millis(bound);
            assert_eq!(reconnect.delay(attempt, Duration::MAX, &longest), bound);
            assert_eq!(reconnect.delay(attempt, Duration::MAX, &shortest), bound / 2);
        }
        assert_eq!(reconnect.delay(9, Duration::from_secs(5), &longest), Duration::from_secs(5));
    }
}
