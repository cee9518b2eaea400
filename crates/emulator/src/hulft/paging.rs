//! The query parameters that all list operations share, with their bounds, and the envelope of a list.

use std::time::SystemTime;

use http::StatusCode;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;
use time::Date;
use time::macros::format_description;

use super::errors::{Rejection, empty, json};
use super::zones::Zone;
use crate::message::{Request, Response};

/// The requested part of a list. `from` and `to` filter the two logs. For other lists, whose rows have no date, they
/// are checked but have no effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    start_index: usize,
    max_results: usize,
    from: Option<Date>,
    to: Option<Date>,
    /// The time zone of dates and times.
    pub(super) zone: Zone,
}

impl Page {
    pub(super) fn read(request: &Request) -> Result<Self, Rejection> {
        let start_index = number(request, "startIndex", 0, 0, 10_000)?;
        let max_results = number(request, "maxResults", 30, 1, 1_000)?;
        let (from, to) = (date(request, "from")?, date(request, "to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Rejection::invalid_parameter("to", "a date that is not before 'from'"));
        }
        let zone = Zone::named(request.query("timezone").unwrap_or("UTC"));
        let zone =
            zone.ok_or_else(|| Rejection::invalid_parameter("timezone", "a time zone of the emulator"))?;
        Ok(Self { start_index, max_results, from, to, zone })
    }

    /// Whether the time is on a day from `from`, which is included, to `to`.
    pub(super) fn covers(&self, time: SystemTime, includes_to: bool) -> bool {
        let day = self.zone.date(time);
        let is_early_enough = |to| day < to || (includes_to && day == to);
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(is_early_enough)
    }

    /// Writes this page of the rows in the envelope. The response is 204 if there are no rows at all (the vendor lists
    /// that status for GET).
    pub(super) fn response<T, W: Serialize>(
        &self,
        name: &'static str,
        rows: impl Iterator<Item = T>,
        write: impl Fn(T) -> W,
    ) -> Result<Response, Rejection> {
        self.reply_with(None, name, rows, write)
    }

    /// Like [`response`](Self::response), with one more member before the rows.
    pub(super) fn reply_with<T, W: Serialize>(
        &self,
        member: Option<(&'static str, Value)>,
        name: &'static str,
        rows: impl Iterator<Item = T>,
        write: impl Fn(T) -> W,
    ) -> Result<Response, Rejection> {
        let mut total_size = 0;
        let range = self.start_index..self.start_index + self.max_results;
        let mut page = Vec::new();
        for (index, row) in rows.enumerate() {
            total_size += 1;
            if range.contains(&index) {
                page.push(write(row));
            }
        }
        if total_size == 0 {
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        json(&Envelope { total_size, page: *self, member, name, rows: page })
    }
}

struct Envelope<W> {
    total_size: usize,
    page: Page,
    member: Option<(&'static str, Value)>,
    name: &'static str,
    rows: Vec<W>,
}

/// Members in the order of the vendor's examples.
impl<W: Serialize> Serialize for Envelope<W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut envelope = serializer.serialize_map(None)?;
        envelope.serialize_entry("totalSize", &self.total_size)?;
        envelope.serialize_entry("fetchSize", &self.rows.len())?;
        envelope.serialize_entry("startIndex", &self.page.start_index)?;
        envelope.serialize_entry("maxResults", &self.page.max_results)?;
        if let Some((name, value)) = &self.member {
            envelope.serialize_entry(name, value)?;
        }
        envelope.serialize_entry(self.name, &self.rows)?;
        envelope.end()
    }
}

fn number(request: &Request, name: &str, default: usize, min: usize, max: usize) -> Result<usize, Rejection> {
    let Some(text) = request.query(name) else { return Ok(default) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (min..=max).contains(number));
    number.ok_or_else(|| Rejection::invalid_parameter(name, &format!("an integer of {min} to {max}")))
}

/// Reads a date, `YYYYMMDD`. A blank value yields the default.
fn date(request: &Request, name: &str) -> Result<Option<Date>, Rejection> {
    let Some(text) = request.query(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let date = Date::parse(text, format_description!("[year][month][day]"));
    let date = date.ok().filter(|_| text.len() == 8);
    date.map(Some).ok_or_else(|| Rejection::invalid_parameter(name, "a date, YYYYMMDD"))
}
