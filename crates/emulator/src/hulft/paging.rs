//! The query parameters that list operations share, with their bounds, and the envelope of a list.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use time::Date;
use time::macros::format_description;

use super::errors::{Failure, empty, json};
use crate::server::{Reply, Request};

/// Which part of a list is asked for. `from`, `to` and `timezone` are checked and have no effect on lists without a
/// documented date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    start_index: usize,
    max_results: usize,
}

impl Page {
    pub(super) fn read(request: &Request) -> Result<Self, Failure> {
        let start_index = number(request, "startIndex", 0, 0, 10_000)?;
        let max_results = number(request, "maxResults", 30, 1, 1_000)?;
        let (from, to) = (date(request, "from")?, date(request, "to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Failure::invalid_parameter("to", "a date that is not before 'from'"));
        }
        check_timezone(request.query("timezone").unwrap_or("UTC"))?;
        Ok(Self { start_index, max_results })
    }

    /// This page of the rows, in the envelope; `204` when there is no row at all (the vendor lists that status for GET).
    pub(super) fn reply<T: Serialize>(self, name: &str, rows: &[T]) -> Result<Reply, Failure> {
        if rows.is_empty() {
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        let page: Vec<_> = rows.iter().skip(self.start_index).take(self.max_results).collect();
        let fetch_size = page.len();
        let list = serde_json::to_value(page).unwrap_or_default();
        json(&Envelope {
            total_size: rows.len(),
            fetch_size,
            start_index: self.start_index,
            max_results: self.max_results,
            list: Map::from_iter([(name.to_owned(), list)]),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    total_size: usize,
    fetch_size: usize,
    start_index: usize,
    max_results: usize,
    #[serde(flatten)]
    list: Map<String, Value>,
}

fn number(
    request: &Request,
    name: &str,
    default: usize,
    least: usize,
    most: usize,
) -> Result<usize, Failure> {
    let Some(text) = request.query(name) else { return Ok(default) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (least..=most).contains(number));
    number.ok_or_else(|| Failure::invalid_parameter(name, &format!("an integer of {least} to {most}")))
}

/// `YYYYMMDD`; blank is the default.
fn date(request: &Request, name: &str) -> Result<Option<Date>, Failure> {
    let Some(text) = request.query(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let date = Date::parse(text, format_description!("[year][month][day]"));
    let date = date.ok().filter(|_| text.len() == 8);
    date.map(Some).ok_or_else(|| Failure::invalid_parameter(name, "a date, YYYYMMDD"))
}

/// A name in form only: the emulator has no list of time zones.
fn check_timezone(name: &str) -> Result<(), Failure> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Failure::invalid_parameter("timezone", "the name of a time zone"))
}
