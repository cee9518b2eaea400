//! Conversion between RFC 3339 timestamps and the standard library's time. Hand-written, since a date library would be this
//! crate's largest dependency, for one format in one place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::InvalidEvent;

const DAY: i64 = 86_400;

/// Parses a `date-time` of RFC 3339, section 5.6. Returns `None` for anything else. Fractional digits beyond the ninth are
/// dropped. A leap second becomes the second after it, since the standard library's time has no leap seconds.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.as_bytes().split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't', h1, h2, b':', n1, n2, b':', s1, s2] = *date
    else {
        return None;
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    // A leap second ends a minute. Which minutes had one is not checked.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanoseconds, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    let seconds = days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    let time = match u64::try_from(seconds) {
        Ok(after) => UNIX_EPOCH.checked_add(Duration::from_secs(after))?,
        Err(_) => UNIX_EPOCH.checked_sub(Duration::from_secs(seconds.unsigned_abs()))?,
    };
    time.checked_add(Duration::from_nanos(nanoseconds))
}

/// Formats a time in UTC, with as many fractional digits as needed.
pub(crate) fn format(time: SystemTime) -> Result<String, InvalidEvent> {
    let (mut seconds, mut nanoseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (seconds(after), after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            (-seconds(before), before.subsec_nanos())
        }
    };
    if time < UNIX_EPOCH && nanoseconds > 0 {
        (seconds, nanoseconds) = (seconds - 1, 1_000_000_000 - nanoseconds);
    }
    let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let first = days_since_1970(0, 1, 1);
    let last = days_since_1970(9999, 12, 31);
    if !(first..=last).contains(&days) {
        return Err(InvalidEvent::new("the event's `time` must be in the years 0 to 9999"));
    }
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanoseconds > 0 {
        text.push_str(format!(".{nanoseconds:09}").trim_end_matches('0'));
    }
    text.push('Z');
    Ok(text)
}

fn seconds(duration: Duration) -> i64 {
    // A value that does not fit is beyond the year 9999 and is rejected there.
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// Returns the nanoseconds of an optional `.digits`, and the remaining text.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(length);
    if digits.is_empty() {
        return None;
    }
    let digit = |place: usize| digits.get(place).map_or(0, |digit| u64::from(digit - b'0'));
    Some(((0..9).fold(0, |value, place| value * 10 + digit(place)), rest))
}

/// Returns the seconds by which the local time is ahead of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
            let ahead = hours * 3600 + minutes * 60;
            (hours <= 23 && minutes <= 59).then_some(if sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from March 1 of the year 0 to March 1 of a year. Counted this way, leap days are at the end of a year.
fn days_before(year: i64) -> i64 {
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)
}

/// The days from March 1 of the year 0 to January 1, 1970.
const TO_1970: i64 = 719_468;

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // Starting in March, the months repeatedly have 31, 30, 31, 30 and 31 days, which are 153 days in five months.
    days_before(year) + (153 * month + 2) / 5 + day - 1 - TO_1970
}

fn date(days_since_1970: i64) -> (i64, i64, i64) {
    let days = days_since_1970 + TO_1970;
    // 400 years have 146,097 days. Leap days are unevenly spaced, so this may be off by one year in either direction.
    let guess = (days * 400).div_euclid(146_097);
    let late = i64::from(days_before(guess + 1) <= days) - i64::from(days_before(guess) > days);
    let year = guess + late;
    let of_year = days - days_before(year);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    /// Seconds from the year 0 to the year 9999.
    const YEARS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

    #[test]
    fn times_of_the_rfc_are_read_with_their_offsets() {
        for (text, seconds, nanoseconds) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("1985-04-12T23:20:50.52Z", 482_196_050, 520_000_000),
            ("1996-12-19T16:39:57-08:00", 851_042_397, 0),
            ("1990-12-31T23:59:60Z", 662_688_000, 0),
            ("1990-12-31T15:59:60-08:00", 662_688_000, 0),
            ("1937-01-01t12:00:27.87+00:20", -1_041_337_173, 870_000_000),
            ("2024-02-29T23:30:00-01:00", 1_709_253_000, 0),
            ("2000-02-29T00:00:00-00:00", 951_782_400, 0),
            ("1970-01-01T00:00:00.1234567899Z", 0, 123_456_789),
        ] {
            assert_eq!(parse(text), Some(at(seconds, nanoseconds)), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_timestamp_of_the_rfc_is_none() {
        for text in [
            "",
            "now",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-1-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00Z ",
            "+024-01-01T00:00:00Z",
            "2024-01-01T00:00:00é",
            "2024-01-01Té0:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_outside_four_digit_years_is_invalid() {
        for (seconds, fits) in
            [(YEARS.start, true), (YEARS.start - 1, false), (YEARS.end - 1, true), (YEARS.end, false)]
        {
            assert_eq!(format(at(seconds, 0)).is_ok(), fits, "{seconds}");
        }
        assert_eq!(format(at(YEARS.start, 0)).unwrap(), "0000-01-01T00:00:00Z");
        assert_eq!(format(at(YEARS.end - 1, 999_999_999)).unwrap(), "9999-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn every_day_of_ten_thousand_years_is_the_one_after_the_day_before() {
        let (mut year, mut month, mut day) = (0, 1, 1);
        for days in days_since_1970(0, 1, 1)..=days_since_1970(9999, 12, 31) {
            assert_eq!((date(days), days_since_1970(year, month, day)), ((year, month, day), days));
            day += 1;
            if day > days_in(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(year, 10_000);
    }

    fn at(seconds: i64, nanoseconds: u32) -> SystemTime {
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
        time + Duration::from_nanos(u64::from(nanoseconds))
    }

    proptest! {
        #[test]
        fn every_time_is_written_as_the_time_crate_writes_it_and_read_back(seconds in YEARS, nanoseconds in 0_u32..1_000_000_000) {
            let time = at(seconds, nanoseconds);
            let text = format(time).unwrap();
            prop_assert_eq!(&text, &OffsetDateTime::from(time).format(&Rfc3339).unwrap());
            prop_assert_eq!(parse(&text), Some(time));
        }

        #[test]
        fn every_offset_is_read_as_the_time_crate_reads_it(
            year in 1..9999, month in 0..14, day in 0..33, hour in 0..25, minute in 0..61, second in 0..60,
            fraction in "(\\.[0-9]{1,9})?", offset in "Z|[+-][01][0-9]:[0-6][0-9]",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}");
            let expected = OffsetDateTime::parse(&text, &Rfc3339).ok().map(SystemTime::from);
            prop_assert_eq!(parse(&text), expected, "{}", text);
        }
    }
}
