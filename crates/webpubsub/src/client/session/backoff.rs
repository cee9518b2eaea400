//! The pauses between attempts to connect.

use std::time::Duration;

/// A uniformly random duration from zero to the bound given.
pub(crate) type Jitter = Box<dyn Fn(Duration) -> Duration + Send>;

/// How a client comes back after its connection was lost.
///
/// Before each attempt there is a pause, the first one included: half of its bound, and a random part of the other half, so
/// that clients that were cut together do not come back together. The bound doubles until a connection proves good, by
/// anything of use that comes over it or by standing for 5 s.
#[derive(Debug, Clone)]
#[must_use]
pub struct Reconnect {
    base: Duration,
    cap: Duration,
    max_attempts: Option<u32>,
}

impl Default for Reconnect {
    /// Bounds from 0.5 s doubling up to 30 s, attempts without end.
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(30), max_attempts: None }
    }
}

impl Reconnect {
    /// No new connection is tried: the client stops where recovery does not help. Recovery itself goes on.
    pub fn never() -> Self {
        Self { max_attempts: Some(0), ..Self::default() }
    }

    /// The bound of the first pause.
    pub fn initial_backoff(mut self, pause: Duration) -> Self {
        self.base = pause;
        self
    }

    /// The highest bound; a hint of the service may be longer. Between attempts to recover a connection, which has only
    /// 30 s, it is at most 5 s.
    pub fn max_backoff(mut self, pause: Duration) -> Self {
        self.cap = pause;
        self
    }

    /// The client stops after so many attempts in a row that gave no good connection. Default: it never does.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    pub(super) fn allows(&self, done: u32) -> bool {
        self.max_attempts.is_none_or(|most| done < most)
    }

    /// The pause before the attempt of that number, the first being 0.
    pub(super) fn pause(&self, attempt: u32, at_most: Duration, jitter: &Jitter) -> Duration {
        let bound = self.base.saturating_mul(2u32.saturating_pow(attempt)).min(self.cap).min(at_most);
        let half = bound / 2;
        half + jitter(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_are_never_shorter_than_half_their_bound() {
        let longest: Jitter = Box::new(|bound| bound);
        let shortest: Jitter = Box::new(|_| Duration::ZERO);
        let reconnect = Reconnect::default();
        for (attempt, bound) in [(0, 500), (1, 1000), (5, 16_000), (6, 30_000), (u32::MAX, 30_000)] {
            let bound = Duration::from_millis(bound);
            assert_eq!(reconnect.pause(attempt, Duration::MAX, &longest), bound);
            assert_eq!(reconnect.pause(attempt, Duration::MAX, &shortest), bound / 2);
        }
        assert_eq!(reconnect.pause(9, Duration::from_secs(5), &longest), Duration::from_secs(5));
    }
}
