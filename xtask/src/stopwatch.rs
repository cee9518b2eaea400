//! How long a step took. The one place here that reads the clock: `clippy.toml` bans it everywhere else, since library
//! code asks its `Clock`; a task runner tells the time that a person waited.
#![allow(clippy::disallowed_methods, reason = "times steps for a person; nothing decides on it")]

use std::time::Instant;

/// A running stopwatch.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time so far, as `1.2 s` or `3 min 4 s`.
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

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_long_time_is_told_in_minutes() {
        assert_eq!(in_words(1.24), "1.2 s");
        assert_eq!(in_words(184.9), "3 min 4 s");
    }
}
