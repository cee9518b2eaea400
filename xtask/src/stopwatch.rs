//! The only place in the task runner that reads the system's clock: `clippy.toml` bans it elsewhere, because library code
//! uses its `Clock`.
#![allow(
    clippy::disallowed_methods,
    reason = "prints durations and dates a changelog; no decision depends on it"
)]

use std::time::{Instant, SystemTime};

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
pub(crate) fn today() -> String {
    time::OffsetDateTime::from(SystemTime::now()).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::{in_words, today};

    #[test]
    fn a_long_time_is_printed_in_minutes() {
        assert_eq!(in_words(1.24), "1.2 s");
        assert_eq!(in_words(184.9), "3 min 4 s");
    }

    #[test]
    fn today_is_a_date_of_year_month_and_day() {
        assert_eq!(today().split('-').map(str::len).collect::<Vec<_>>(), [4, 2, 2]);
    }
}
