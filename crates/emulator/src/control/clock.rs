//! Operations that read and advance the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;

use super::call::{Call, Outcome, Problem, json as response};
use crate::journal::time_of_day;

/// A year. It keeps the clock within the range of its type.
const MAX_SECONDS: f64 = 366.0 * 24.0 * 3_600.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

/// `GET clock`
pub(super) fn read(call: &Call<'_>) -> Outcome {
    let now = call.emulator.clock().now();
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    Ok(response(&json!({ "now": rfc_3339(now), "unix_seconds": seconds })))
}

/// `POST clock/advance`
pub(super) fn advance(call: &Call<'_>) -> Outcome {
    let Advance { seconds } = call.body()?;
    if !(0.0..=MAX_SECONDS).contains(&seconds) {
        return Err(Problem::invalid(format!("`seconds` must be 0 to {MAX_SECONDS}, not {seconds}")));
    }
    call.emulator.clock().advance(Duration::from_secs_f64(seconds));
    read(call)
}

/// Date and time in UTC, with milliseconds.
fn rfc_3339(time: SystemTime) -> String {
    let days = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / (24 * 3_600);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{}Z", time_of_day(time))
}

/// The date of a day, counted from 1970. Years start in March here, so that a leap day is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc_3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
