//! The reconnect policy: the backoff between attempts to connect.

use std::time::Duration;

/// Returns a uniformly random duration between zero and the given bound.
pub(crate) type Jitter = Box<dyn Fn(Duration) -> Duration + Send>;

/// With many clients and a server that is back at once, 8% of the attempts fall within 100 ms on average.
const INITIAL_BACKOFF: Duration = Duration::from_millis(1250);

/// Configures how a client reconnects after its connection is lost.
///
/// Every attempt follows a random delay, so that clients that were disconnected together do not reconnect together. The delay
/// before the first attempt is between zero and the initial backoff. Before each later attempt, it is between half of the
/// current backoff and all of it. The current backoff starts as the initial one and doubles with each of these attempts. It
/// resets once a connection has delivered a message or an acknowledgment of the program's own requests, or has lasted
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
    /// Returns a policy with a backoff from 1.25 s to 30 s and no limit on attempts.
    fn default() -> Self {
        Self { initial_backoff: INITIAL_BACKOFF, max_backoff: Duration::from_secs(30), max_attempts: None }
    }
}

impl Reconnect {
    /// Returns a policy that never makes a new connection.
    ///
    /// Dropped connections are still recovered; the client stops when a recovery fails.
    pub fn never() -> Self {
        Self { max_attempts: Some(0), ..Self::default() }
    }

    /// Sets the first backoff. Default: 1.25 s.
    ///
    /// If many clients lose the same server, their first attempts are spread evenly over this time. The default keeps the share
    /// of attempts within any 100 ms well below 15%, even if the server is back at once.
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
        let doublings = attempt.saturating_sub(1);
        let backoff = self.initial_backoff.saturating_mul(2u32.saturating_pow(doublings));
        let bound = backoff.min(self.max_backoff).min(at_most);
        // Without a minimum: otherwise, the first attempts of many clients would follow within half of the time.
        let least = if attempt == 0 { Duration::ZERO } else { bound / 2 };
        least + jitter(bound - least)
    }

    /// Returns a random delay after a time before which the service accepts no attempts. That time can be the same for many
    /// clients.
    pub(super) fn spread(&self, jitter: &Jitter) -> Duration {
        jitter(self.initial_backoff.min(self.max_backoff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum_backoff_and_only_the_first_can_be_shorter_than_half_of_it() {
        let longest: Jitter = Box::new(|bound| bound);
        let shortest: Jitter = Box::new(|_| Duration::ZERO);
        let reconnect = Reconnect::default();
        for (attempt, least, bound) in [
            (0, 0, 1250),
            (1, 625, 1250),
            (2, 1250, 2500),
            (5, 10_000, 20_000),
            (6, 15_000, 30_000),
            (u32::MAX, 15_000, 30_000),
        ] {
            let (least, bound) = (Duration::from_millis(least), Duration::from_millis(bound));
            assert_eq!(reconnect.delay(attempt, Duration::MAX, &longest), bound);
            assert_eq!(reconnect.delay(attempt, Duration::MAX, &shortest), least);
        }
        assert_eq!(reconnect.delay(9, Duration::from_secs(5), &longest), Duration::from_secs(5));
    }
}
