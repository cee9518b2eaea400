//! The rate limit of a contract: 100 requests a minute over all its keys. Exceeding it blocks all requests for 10
//! minutes. It reads no clock: the caller passes in the time.

use std::time::{Duration, SystemTime};

pub(crate) const PER_MINUTE: u32 = 100;
const MINUTE: Duration = Duration::from_secs(60);
const BLOCK: Duration = Duration::from_secs(10 * 60);

/// Counts requests per minute. A minute begins with the first request after the previous one has ended.
#[derive(Debug)]
pub(super) struct RateLimit {
    per_minute: Option<u32>,
    window: Option<(SystemTime, u32)>,
    blocked_until: Option<SystemTime>,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new(Some(PER_MINUTE))
    }
}

impl RateLimit {
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute, window: None, blocked_until: None }
    }

    /// Counts a request. An error is the time at which the block ends.
    pub(super) fn count(&mut self, now: SystemTime) -> Result<(), SystemTime> {
        let Some(limit) = self.per_minute else { return Ok(()) };
        if let Some(until) = self.blocked_until.filter(|until| now < *until) {
            return Err(until);
        }
        self.blocked_until = None;
        let (start, count) = self.window.filter(|(start, _)| now < *start + MINUTE).unwrap_or((now, 0));
        if count < limit {
            self.window = Some((start, count + 1));
            return Ok(());
        }
        // The minute that exceeded the limit ends long before the block does, so the counter is reset when the block
        // ends, as the vendor says.
        let until = now + BLOCK;
        self.blocked_until = Some(until);
        Err(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn the_request_past_the_limit_blocks_all_for_ten_minutes() {
        let mut limit = RateLimit::new(Some(2));
        assert_eq!(limit.count(at(0)), Ok(()));
        assert_eq!(limit.count(at(10)), Ok(()));
        assert_eq!(limit.count(at(20)), Err(at(620)));
        assert_eq!(limit.count(at(90)), Err(at(620)), "a rejected request does not prolong the block");
        assert_eq!(limit.count(at(619)), Err(at(620)));
        assert_eq!(limit.count(at(620)), Ok(()));
        assert_eq!(limit.count(at(621)), Ok(()), "the counter was reset with the end of the block");
        assert_eq!(limit.count(at(622)), Err(at(1222)));
    }

    #[test]
    fn the_counter_is_reset_every_minute() {
        let mut limit = RateLimit::new(Some(2));
        for second in [0, 59, 60, 119, 120] {
            assert_eq!(limit.count(at(second)), Ok(()), "{second}");
        }
    }

    #[test]
    fn without_a_limit_nothing_is_rejected() {
        let mut limit = RateLimit::new(None);
        assert!((0..1000).all(|_| limit.count(at(0)).is_ok()));
    }
}
