//! The date of today in UTC. Apart, since `clippy.toml` bans the system's clock elsewhere: library code asks its `Clock`.
#![allow(clippy::disallowed_methods, reason = "dates a changelog; nothing else depends on it")]

use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::{Failure, Result};

/// Today in UTC, as `2026-11-22`.
pub(super) fn today() -> Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_err(|_| Failure::failed("the clock of this machine is before 1970"))?.as_secs();
    Ok(date(seconds / 86_400))
}

/// The date of a day counted from 1970-01-01.
fn date(mut day: u64) -> String {
    let mut year = 1970;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", day + 1)
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_turned_into_dates_over_leap_years() {
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
