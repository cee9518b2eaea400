//! The delays that the service supports for a released event.

use std::time::Duration;

/// Specifies how long a released event stays unavailable before it is delivered again.
///
/// The event's time to live keeps running meanwhile. The service supports only the listed values. [`Other`](Self::Other) is for
/// values that later api-versions add.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReleaseDelay {
    /// The event is available again immediately.
    #[default]
    None,
    /// The event is available again after 10 seconds.
    S10,
    /// The event is available again after 60 seconds.
    S60,
    /// The event is available again after 600 seconds (10 minutes).
    S600,
    /// The event is available again after 3600 seconds (1 hour).
    S3600,
    /// The event is available again after this number of seconds, which is sent unchanged.
    Other(u32),
}

impl ReleaseDelay {
    /// Returns the delay in seconds.
    #[must_use]
    pub fn as_secs(self) -> u32 {
        match self {
            Self::None => 0,
            Self::S10 => 10,
            Self::S60 => 60,
            Self::S600 => 600,
            Self::S3600 => 3600,
            Self::Other(seconds) => seconds,
        }
    }

    /// Returns the shortest supported delay that is not shorter than `wait`, or one hour if `wait` is longer than that.
    #[must_use]
    pub fn at_least(wait: Duration) -> Self {
        let fits = |delay: &Self| Duration::from_secs(delay.as_secs().into()) >= wait;
        [Self::None, Self::S10, Self::S60, Self::S600].into_iter().find(fits).unwrap_or(Self::S3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_becomes_the_next_longer_delay_and_at_most_an_hour() {
        for (milliseconds, delay) in [
            (0, ReleaseDelay::None),
            (1, ReleaseDelay::S10),
            (10_000, ReleaseDelay::S10),
            (10_001, ReleaseDelay::S60),
            (600_000, ReleaseDelay::S600),
            (600_001, ReleaseDelay::S3600),
            (u64::MAX, ReleaseDelay::S3600),
        ] {
            assert_eq!(ReleaseDelay::at_least(Duration::from_millis(milliseconds)), delay, "{milliseconds}");
        }
    }
}
