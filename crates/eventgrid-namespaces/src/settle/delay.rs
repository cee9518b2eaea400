//! The delays that the service knows for a released event.

use std::time::Duration;

/// How long a released event stays out of reach before it is delivered again. The event's time to live goes on meanwhile.
///
/// The service takes these values only; [`Other`](Self::Other) is for what a later api-version adds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReleaseDelay {
    /// It is available again at once.
    #[default]
    None,
    /// 10 seconds.
    S10,
    /// 60 seconds.
    S60,
    /// 600 seconds: ten minutes.
    S600,
    /// 3600 seconds: one hour.
    S3600,
    /// Another number of seconds, sent as it is.
    Other(u32),
}

impl ReleaseDelay {
    /// The delay in seconds.
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

    /// The shortest delay of the service that is not shorter than `wait`; one hour where there is none.
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
    fn a_wait_becomes_the_next_longer_delay_and_an_hour_at_the_most() {
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
