//! Time zones, a few of which are built into the emulator. Dates in queries and times in responses are in the zone that
//! a request names.

use std::time::SystemTime;

use time::macros::format_description;
use time::{Date, Month, OffsetDateTime, UtcOffset, Weekday};

/// The rule by which a zone sets its clocks ahead by an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Summer {
    Never,
    /// From 1:00 UTC on the last Sunday of March to 1:00 UTC on the last Sunday of October.
    European,
    /// From 2:00 on the second Sunday of March to 2:00 on the first Sunday of November.
    American,
}

/// Names, minutes east of Greenwich, and daylight saving time, as of today.
const ZONES: &[(&str, i32, Summer)] = &[
    ("UTC", 0, Summer::Never),
    ("Etc/UTC", 0, Summer::Never),
    ("GMT", 0, Summer::Never),
    ("Asia/Tokyo", 540, Summer::Never),
    ("Asia/Seoul", 540, Summer::Never),
    ("Asia/Shanghai", 480, Summer::Never),
    ("Asia/Taipei", 480, Summer::Never),
    ("Asia/Hong_Kong", 480, Summer::Never),
    ("Asia/Singapore", 480, Summer::Never),
    ("Asia/Manila", 480, Summer::Never),
    ("Asia/Bangkok", 420, Summer::Never),
    ("Asia/Jakarta", 420, Summer::Never),
    ("Asia/Ho_Chi_Minh", 420, Summer::Never),
    ("Asia/Kolkata", 330, Summer::Never),
    ("Asia/Dubai", 240, Summer::Never),
    ("Pacific/Honolulu", -600, Summer::Never),
    ("America/Los_Angeles", -480, Summer::American),
    ("America/Denver", -420, Summer::American),
    ("America/Phoenix", -420, Summer::Never),
    ("America/Chicago", -360, Summer::American),
    ("America/New_York", -300, Summer::American),
    ("America/Sao_Paulo", -180, Summer::Never),
    ("Europe/London", 0, Summer::European),
    ("Europe/Paris", 60, Summer::European),
    ("Europe/Berlin", 60, Summer::European),
    ("Europe/Amsterdam", 60, Summer::European),
    ("Europe/Madrid", 60, Summer::European),
];

/// A time zone that the emulator supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    minutes: i32,
    summer: Summer,
}

impl Zone {
    /// Finds a zone by its name, including `Etc/GMT+9` and the like, whose signs are inverted: minus means east.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let Some((_, minutes, summer)) = ZONES.iter().find(|(known, ..)| *known == name) {
            return Some(Self { minutes: *minutes, summer: *summer });
        }
        let shift = name.strip_prefix("Etc/GMT")?;
        let hours = (-14..=12).find(|hours| format!("{hours:+}") == shift)?;
        Some(Self { minutes: -60 * hours, summer: Summer::Never })
    }

    /// The date in this zone.
    pub(super) fn date(self, time: SystemTime) -> Date {
        self.local(time).date()
    }

    /// The date and time in this zone, in the vendor's form: with milliseconds, without an offset.
    pub(super) fn date_time(self, time: SystemTime) -> String {
        let format =
            format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");
        self.local(time).format(format).unwrap_or_default()
    }

    fn local(self, time: SystemTime) -> OffsetDateTime {
        let time = OffsetDateTime::from(time);
        let minutes = self.minutes + if self.is_summer(time) { 60 } else { 0 };
        let offset = UtcOffset::from_whole_seconds(minutes * 60).unwrap_or(UtcOffset::UTC);
        time.checked_to_offset(offset).unwrap_or(time)
    }

    fn is_summer(self, time: OffsetDateTime) -> bool {
        // Minutes after midnight of the Sunday, in UTC.
        let (start, end) = match self.summer {
            Summer::Never => return false,
            Summer::European => ((Month::March, 31, 60), (Month::October, 31, 60)),
            Summer::American => {
                ((Month::March, 14, 120 - self.minutes), (Month::November, 7, 60 - self.minutes))
            }
        };
        let passed = |(month, last_day, minutes): (Month, u8, i32)| {
            let sunday = sunday_until(time.year(), month, last_day);
            sunday.is_some_and(|day| {
                time >= day.midnight().assume_utc() + time::Duration::minutes(minutes.into())
            })
        };
        passed(start) && !passed(end)
    }
}

/// The last Sunday on or before the day.
fn sunday_until(year: i32, month: Month, day: u8) -> Option<Date> {
    let day = Date::from_calendar_date(year, month, day).ok()?;
    if day.weekday() == Weekday::Sunday {
        Some(day)
    } else {
        day.checked_sub(time::Duration::days(day.weekday().number_days_from_sunday().into()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn written(zone: &str, seconds: u64) -> String {
        Zone::named(zone)
            .unwrap()
            .date_time(SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 942))
    }

    #[test]
    fn a_time_is_written_in_its_zone_with_milliseconds() {
        assert_eq!(written("UTC", 1_467_296_520), "2016-06-30 14:22:00.942");
        assert_eq!(written("Asia/Tokyo", 1_467_296_520), "2016-06-30 23:22:00.942");
        assert_eq!(written("Etc/GMT+9", 1_467_296_520), "2016-06-30 05:22:00.942");
        assert_eq!(written("Etc/GMT-14", 1_467_296_520), "2016-07-01 04:22:00.942");
    }

    #[test]
    fn american_and_european_clocks_change_on_their_sundays() {
        // 2024-03-10 10:00 and 2024-11-03 09:00 UTC: 2:00 in standard time, 2:00 in daylight saving time.
        assert_eq!(written("America/Los_Angeles", 1_710_064_799), "2024-03-10 01:59:59.942");
        assert_eq!(written("America/Los_Angeles", 1_710_064_800), "2024-03-10 03:00:00.942");
        assert_eq!(written("America/Los_Angeles", 1_730_624_399), "2024-11-03 01:59:59.942");
        assert_eq!(written("America/Los_Angeles", 1_730_624_400), "2024-11-03 01:00:00.942");
        // 2024-03-31 and 2024-10-27, 01:00 UTC.
        assert_eq!(written("Europe/Paris", 1_711_846_799), "2024-03-31 01:59:59.942");
        assert_eq!(written("Europe/Paris", 1_711_846_800), "2024-03-31 03:00:00.942");
        assert_eq!(written("Europe/Paris", 1_729_990_799), "2024-10-27 02:59:59.942");
        assert_eq!(written("Europe/Paris", 1_729_990_800), "2024-10-27 02:00:00.942");
    }

    #[test]
    fn names_of_other_zones_are_unknown() {
        for name in
            ["", "Tokyo", "asia/tokyo", "Etc/GMT9", "Etc/GMT+13", "Etc/GMT-15", "Etc/GMT++1", "Mars/Base"]
        {
            assert_eq!(Zone::named(name), None, "{name}");
        }
        assert_eq!(Zone::named("Etc/GMT+0"), Zone::named("UTC"));
    }
}
