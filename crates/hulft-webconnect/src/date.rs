//! Dates and times of the Site API. Searches use calendar days of a named time zone, and responses contain times
//! without a zone.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result, lenient};

/// Represents a calendar day, as used by searches.
///
/// # Examples
///
/// ```
/// use hulft_webconnect::Date;
///
/// let day: Date = "2024-02-29".parse()?;
/// assert_eq!(day, Date::new(2024, 2, 29)?);
/// assert!(Date::new(2023, 2, 29).is_err());
/// # Ok::<(), hulft_webconnect::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Creates a day of the Gregorian calendar, in the years 1 to 9999.
    ///
    /// # Errors
    ///
    /// Returns an error if the calendar does not have this day.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self> {
        let date = Self { year, month, day };
        if (1..=9999).contains(&year) && (1..=days_of(year, month)).contains(&day) {
            return Ok(date);
        }
        let rule = "must be a day of the calendar, in the years 1 to 9999";
        Err(Error::invalid_input("date", rule, Some(&date.to_string())))
    }

    /// Returns the year, from 1 to 9999.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// Returns the month, from 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.month
    }

    /// Returns the day of the month, from 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.day
    }

    /// `YYYYMMDD`.
    pub(crate) fn compact(self) -> String {
        let Self { year, month, day } = self;
        format!("{year:04}{month:02}{day:02}")
    }

    /// The day that is this number of days after 1970-01-01. `None` outside the years 1 to 9999.
    pub(crate) fn from_days_since_epoch(days: i64) -> Option<Self> {
        // The inverse of `days_since_epoch` (Hinnant, "civil_from_days").
        let shifted = days.checked_add(719_468)?;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let of_cycle = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = of_cycle + era * 400 + i64::from(month <= 2);
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        Self::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
    }

    /// The day this many days later, which must be in the years 1 to 9999.
    pub(crate) fn plus(self, days: i64) -> Self {
        Self::from_days_since_epoch(self.days_since_epoch().saturating_add(days)).unwrap_or(self)
    }

    /// The number of days since 1970-01-01.
    pub(crate) fn days_since_epoch(self) -> i64 {
        // Days of a year that starts in March, so that the leap day is its last (Hinnant, "days_from_civil").
        let shifted = i64::from(self.year) - i64::from(self.month <= 2);
        let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
        let month = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }
}

/// Returns 0 for a month that does not exist.
fn days_of(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = Error;

    /// Parses `2024-02-29` or `20240229`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::invalid_input("date", "must be YYYY-MM-DD or YYYYMMDD", Some(text));
        let digits = match text.len() {
            10 if text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-') => {
                text.replace('-', "")
            }
            _ => text.to_owned(),
        };
        if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let number: u32 = digits.parse().map_err(|_| invalid())?;
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
        // Four, two and two digits fit.
        Self::new(year as u16, month as u8, day as u8)
    }
}

/// Represents a time zone by its name, such as `UTC` or `Asia/Tokyo`. The service decides which names are valid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TimeZone(String);

impl TimeZone {
    /// Creates a time zone from its name.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is empty, has more than 64 characters, or contains a character other than ASCII
    /// letters, digits and `/ _ + - :`.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let known = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-:".contains(&byte));
        if known && (1..=64).contains(&name.len()) {
            return Ok(Self(name));
        }
        let rule = "must be a name such as `Asia/Tokyo`, of 1 to 64 ASCII letters, digits and `/ _ + - :`";
        Err(Error::invalid_input("time zone", rule, Some(&name)))
    }

    /// Returns coordinated universal time, which the service uses if a request names no zone.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_utc(&self) -> bool {
        ["UTC", "Etc/UTC", "Etc/GMT", "GMT"].contains(&self.as_str())
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self::utc()
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Represents a time as returned by the service, such as `2016-06-30 14:22:00.942`, with the zone that was requested.
///
/// The text from the service contains no zone. According to the vendor's documentation, it is in the `timezone` of the
/// request, or in UTC if the request names none. A text in any other format is kept as received.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Timestamp {
    text: String,
    zone: TimeZone,
}

impl Timestamp {
    /// Returns the text as received, without a zone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the time zone of the request.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns the calendar day, or `None` if the text has another format.
    #[must_use]
    pub fn date(&self) -> Option<Date> {
        self.text.get(..10).filter(|text| text.contains('-'))?.parse().ok()
    }

    /// Returns the point in time, or `None` if the zone is not UTC (this crate contains no offsets), the day is before
    /// 1970, or the text has another format.
    #[must_use]
    pub fn to_system_time(&self) -> Option<SystemTime> {
        if !self.zone.is_utc() {
            return None;
        }
        let days = u64::try_from(self.date()?.days_since_epoch()).ok()?;
        let of_day = time_of_day(self.text.get(10..)?)?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(days * 86_400) + of_day)
    }

    /// Appends the zone to the text.
    #[cfg(feature = "csv")]
    pub(crate) fn include_time_zone(&mut self) {
        self.text = self.to_string();
    }

    pub(crate) fn set_time_zone(&mut self, zone: &TimeZone) {
        self.zone = zone.clone();
    }
}

/// `YYYY-MM-DD HH:mm:ss UTC`, for texts.
pub(crate) fn utc_text(time: SystemTime) -> Option<String> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let day = Date::from_days_since_epoch(days.try_into().ok()?)?;
    let (hours, minutes, seconds) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    Some(format!("{day} {hours:02}:{minutes:02}:{seconds:02} UTC"))
}

/// Parses ` HH:mm:ss.SSS`, or with a `T`; the fraction is optional.
fn time_of_day(text: &str) -> Option<Duration> {
    let text = text.trim();
    let text = text.strip_prefix('T').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    // A sign would be part of a number.
    let is_pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = whole.split(':').map(|part| part.parse::<u64>().ok().filter(|_| is_pair(part)));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let digits = !fraction.is_empty() && fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 || !digits {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(hours * 3_600 + minutes * 60 + seconds, nanos))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() { f.pad("") } else { f.pad(&format!("{} {}", self.text, self.zone)) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Self { text: lenient::text(deserializer)?, zone: TimeZone::utc() })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str, zone: &str) -> Timestamp {
        Timestamp { text: text.into(), zone: TimeZone::new(zone).unwrap() }
    }

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        for good in ["0001-01-01", "9999-12-31", "2000-02-29", "20240229", "2024-04-30"] {
            assert!(good.parse::<Date>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "0000-01-01",
            "1900-02-29",
            "2024-04-31",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "2024-1-1",
            "2024/01/01",
            "20240101x",
            "+2024010",
            "２０２４",
        ] {
            assert!(bad.parse::<Date>().unwrap_err().is_invalid_input(), "{bad}");
        }
        assert_eq!(Date::new(33, 4, 5).unwrap().compact(), "00330405");
    }

    #[test]
    fn a_time_is_a_moment_in_utc_only() {
        let text = "2016-06-30 14:22:00.942";
        let moment = at(text, "UTC").to_system_time().unwrap();
        let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since, Duration::from_millis(1_467_296_520_942));
        let tokyo = at(text, "Asia/Tokyo");
        assert_eq!((tokyo.to_system_time(), tokyo.to_string()), (None, format!("{text} Asia/Tokyo")));
        assert_eq!(tokyo.date(), Some(Date::new(2016, 6, 30).unwrap()));
        assert_eq!(at("1970-01-01 00:00:00", "UTC").to_system_time(), Some(SystemTime::UNIX_EPOCH));
        assert_eq!(at("1970-01-01T00:00:00", "UTC").to_system_time(), Some(SystemTime::UNIX_EPOCH));
        assert_eq!(at("2016-06-30T14:22:00.942", "UTC").to_system_time(), Some(moment));
    }

    #[test]
    fn a_text_of_another_form_is_kept() {
        for text in [
            "…",
            "",
            "2016-06-30",
            "2016-06-30 24:00:00",
            "2016-06-30 1:2:3",
            "2016-06-30 14:22:00.",
            "2016-06-30 +1:+2:+3",
        ] {
            let time: Timestamp = serde_json::from_value(text.into()).unwrap();
            assert_eq!((time.as_str(), time.to_system_time()), (text, None));
        }
    }

    #[test]
    fn zones_are_names() {
        for good in ["UTC", "Asia/Tokyo", "Etc/GMT+9", "America/Argentina/Buenos_Aires", "+09:00"] {
            assert!(TimeZone::new(good).is_ok(), "{good}");
        }
        for bad in [String::new(), "Asia Tokyo".into(), "x&y=1".into(), "東京".into(), "x".repeat(65)] {
            assert!(TimeZone::new(bad).unwrap_err().is_invalid_input());
        }
    }

    proptest! {
        #[test]
        fn days_count_up_one_by_one(year in 1u16..9999, month in 1u8..=12, day in 1u8..=31) {
            if let Ok(date) = Date::new(year, month, day) {
                let next = Date::new(year, month, day + 1)
                    .or_else(|_| Date::new(year, month + 1, 1))
                    .or_else(|_| Date::new(year + 1, 1, 1)).unwrap();
                prop_assert_eq!(next.days_since_epoch() - date.days_since_epoch(), 1);
                prop_assert_eq!(Date::from_days_since_epoch(date.days_since_epoch()), Some(date));
                prop_assert_eq!(date.compact().parse::<Date>().unwrap(), date);
                prop_assert_eq!(date.to_string().parse::<Date>().unwrap(), date);
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let time = Timestamp { text: text.clone(), zone: TimeZone::utc() };
            let _ = (time.date(), time.to_system_time(), text.parse::<Date>());
        }
    }
}
