//! The only place in the task runner that reads the system's clock: `clippy.toml` bans it elsewhere, because library code
//! uses its `Clock`.
#![allow(
    clippy::disallowed_methods,
    reason = "prints durations and dates a changelog; no decision depends on it"
)]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::failure::{Failure, Result};

/// A running stopwatch.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The elapsed time, as `1.2 s` or `3 min 4 s`.
    pub(crate) fn read(&self) -> String {
        in_words(self.0.elapsed().as_secs_f64())
    }
}

fn in_words(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds as u64;
    format!("{} min {} s", whole / 60, whole % 60)
}

/// Today's date in UTC, as `2026-11-22`.
pub(crate) fn today() -> Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_err(|_| Failure::failed("the clock of this machine is before 1970"))?.as_secs();
    Ok(date(seconds / 86_400))
}

/// The date of a day counted from 1970-01-01, in years that begin in March, so that a leap day comes last.
fn date(day: u64) -> String {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::{date, in_words};

    #[test]
    fn a_long_time_is_printed_in_minutes() {
        assert_eq!(in_words(1.24), "1.2 s");
        assert_eq!(in_words(184.9), "3 min 4 s");
    }

    #[test]
    fn days_are_converted_to_dates_across_leap_years() {
        let cases = [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_779, "2026-11-22"),
            (20_818, "2026-12-31"),
            (20_819, "2027-01-01"),
        ];
        for (day, expected) in cases {
            assert_eq!(date(day), expected);
        }
    }
}
