//! The expiry of a shared access signature: written in one format, and read in all formats that the service's samples use.

use std::time::{Duration, SystemTime};

use percent_encoding::percent_decode_str;

use crate::{Error, Result};

const DAY: u64 = 24 * 60 * 60;
/// The first second of the year 10000.
const END: u64 = 253_402_300_800;

/// Formats a time in UTC as Python's `isoformat` does: `2030-01-01T00:00:00`.
pub(super) fn text(moment: SystemTime) -> Result<String> {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs());
    let Some(seconds) = seconds.ok().filter(|seconds| *seconds < END) else {
        return Err(Error::invalid_input("expiry", "must be in the years 1970 to 9999", None));
    };
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}

/// Returns when a token expires, or `None` if its `e=` has an unknown format. The service may still accept such a token.
pub(crate) fn expiry(token: &str) -> Option<SystemTime> {
    let value = token.split('&').find_map(|pair| pair.strip_prefix("e="))?.replace('+', " ");
    let value = percent_decode_str(&value).decode_utf8().ok()?;
    let seconds = iso(value.trim()).or_else(|| english(value.trim()))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Parses `2030-01-01T00:00:00`, with or without a fraction, in UTC or with an offset.
fn iso(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let mut date = date.split('-');
    let day = days(number(date.next()?)?, number(date.next()?)?, number(date.next()?)?)?;
    let (time, offset) = match time.find(['Z', '+', '-', ' ']) {
        Some(at) => (&time[..at], offset(time[at..].trim())?),
        None => (time, 0),
    };
    let time = time.split_once('.').map_or(time, |(whole, _)| whole);
    (day * DAY + clock(time)?).checked_add_signed(-offset)
}

fn offset(text: &str) -> Option<i64> {
    let (sign, text) = match text.split_at_checked(1)? {
        ("Z", "") => return Some(0),
        ("+", text) => (1, text),
        ("-", text) => (-1, text),
        _ => return None,
    };
    i64::try_from(clock(text)?).ok().map(|seconds| sign * seconds)
}

/// Parses `6/15/2017 6:20:15 PM`, the format of .NET's culture `en-US`, which the service's samples use. Without AM or PM, the
/// order of month and day is ambiguous.
fn english(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    let (date, time, half) = (words.next()?, words.next()?, words.next()?);
    let mut date = date.split('/');
    let (month, day, year) = (number(date.next()?)?, number(date.next()?)?, number(date.next()?)?);
    let seconds = clock(time)?;
    let afternoon = match half {
        "AM" => 0,
        "PM" => 12 * 3600,
        _ => return None,
    };
    // 12 AM is midnight, 12 PM is noon.
    Some(days(year, month, day)? * DAY + seconds % (12 * 3600) + afternoon)
}

/// Parses `hh:mm:ss` or `hh:mm`, in seconds.
fn clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = parts.next().map_or(Some(0), number)?;
    let valid = hour < 24 && minute < 60 && second < 61 && parts.next().is_none();
    valid.then_some(hour * 3600 + minute * 60 + second)
}

/// Parses one to four digits.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Returns the date of a day counted from 1970, using the calendar's cycle of 400 years. Years begin in March here, so that a
/// leap day is the last day of its year.
fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let (cycle, of_cycle) = (shifted / 146_097, shifted % 146_097);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (cycle * 400 + year + u64::from(month <= 2), month, day)
}

/// Returns the day of a date counted from 1970, or `None` if the date does not exist.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let count = year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468;
    (civil(count) == (year + u64::from(month <= 2), month, day)).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR_2030: u64 = 1_893_456_000;

    fn seconds(token: &str) -> Option<u64> {
        Some(expiry(token)?.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn expiries_of_every_sample_are_read() {
        for (text, expected) in [
            ("2030-01-01T00%3A00%3A00", NEW_YEAR_2030),
            ("2030-01-01T00:00:00.123456", NEW_YEAR_2030),
            ("2030-01-01T00:00:00Z", NEW_YEAR_2030),
            ("2030-01-01+00%3A00%3A00%2B00%3A00", NEW_YEAR_2030),
            ("2030-01-01T02:00:00%2B02:00", NEW_YEAR_2030),
            ("2029-12-31T19%3a00%3a00-05%3a00", NEW_YEAR_2030),
            ("1%2f1%2f2030+12%3a00%3a00+AM", NEW_YEAR_2030),
            ("1%2F1%2F2030%2012%3A00%3A00%20PM", NEW_YEAR_2030 + 12 * 3600),
            ("6/15/2017+6:20:15+PM", 1_497_550_815),
            ("2024-02-29T00:00:00", 1_709_164_800),
        ] {
            assert_eq!(seconds(&format!("r=x&e={text}&s=y")), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_expiry_of_an_unknown_format_is_none() {
        for text in [
            "",
            "soon",
            "1893456000",
            "15/06/2017 18:20:15",
            "15/6/2017 6:20:15 PM",
            "2030-02-30T00:00:00",
            "2030-13-01T00:00:00",
            "2030-01-01T25:00:00",
            "2030-01-01T00:00:00+x",
            "%ff",
            "99999999999999999999-01-01T00:00:00",
        ] {
            assert_eq!(seconds(&format!("r=x&e={text}&s=y")), None, "{text}");
        }
        assert_eq!(seconds("r=x&s=y"), None);
    }

    #[test]
    fn a_written_expiry_is_read_as_the_same_second() {
        for day in (0..END / DAY).step_by(11) {
            let written = text(SystemTime::UNIX_EPOCH + Duration::from_secs(day * DAY + day % DAY)).unwrap();
            assert_eq!(seconds(&format!("e={written}")), Some(day * DAY + day % DAY), "{written}");
        }
        for moment in [END, u64::from(u32::MAX) * 100] {
            assert!(text(SystemTime::UNIX_EPOCH + Duration::from_secs(moment)).is_err());
        }
        assert!(text(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).is_err());
    }
}
