//! Lists: how a caller configures one and takes its rows. Its pages are requested as rows are taken.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use service_core::{Operation, Pipeline};

use crate::call::Call;
use crate::page::{Page, Row};
use crate::pages::{List, Pages};
use crate::rules::{self, MAX_RESULTS, MAX_START_INDEX};
use crate::{Date, Response, Result, TimeZone, read};

/// A list of items, which requests pages as [`next`](Self::next) needs them.
///
/// Configure the list with the setters, then read it row by row with `next`, completely with [`all`](Self::all), or page
/// by page with [`pages`](Self::pages). A pager is also a `Stream` of rows. It ends after the last row and after an
/// error.
///
/// Overrides such as [`header`](Self::header) and [`deadline`](Self::deadline) apply to the request of each page.
///
/// The service evaluates the search again for each page. If rows are added or removed while a list is read, other rows
/// can appear twice or not at all. For logs, a [`to`](Self::to) in the past excludes new rows.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
/// # let site = builder.endpoint(emulator.endpoint()).build()?;
/// # emulator.hulft().add_sample_agents();
/// let mut agents = site.agents().list().page_size(2);
/// let mut ids = Vec::new();
/// while let Some(agent) = agents.next().await {
///     ids.push(agent?.agent_id);
/// }
/// assert_eq!(ids.len() as u64, site.agents().list().page().await?.total_size);
/// # Ok(()) }
/// ```
#[must_use = "does nothing until its rows are taken"]
pub struct Pager<T> {
    pages: Pages<T>,
    rows: VecDeque<T>,
}

impl<T: Row> Pager<T> {
    pub(crate) fn new(pipeline: &Pipeline, operation: &'static Operation, segments: &[(&str, &str)]) -> Self {
        let call = Call::new(pipeline, operation, segments, read::page);
        let list = List { call, operation, page_size: MAX_RESULTS, from: None, to: None, invalid: None };
        Self { pages: Pages::new(list), rows: VecDeque::new() }
    }

    /// Sets the number of rows per request: 1 to 1,000. Default: 1,000, because the service limits the number of
    /// requests, not rows.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.check(rules::number("maxResults", rows, 1, MAX_RESULTS));
        self.pages.list.page_size = rows;
        self
    }

    /// Sets the index of the first row: 0 to 10,000. Default: 0.
    pub fn start_index(mut self, row: u32) -> Self {
        self.check(rules::number("startIndex", row, 0, MAX_START_INDEX));
        self.pages.next = row;
        self
    }

    /// Restricts the search to this day and later ones.
    ///
    /// The vendor does not document which time of a row counts. For relay logs it is presumably the start of the
    /// transfer.
    pub fn from(mut self, day: Date) -> Self {
        self.pages.list.from = Some(day);
        self
    }

    /// Restricts the search to days before this one. The vendor does not document whether the day itself is included.
    pub fn to(mut self, day: Date) -> Self {
        self.pages.list.to = Some(day);
        self
    }

    /// Sets the time zone of the search and of the returned times. Default: UTC.
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.pages.list.call.query("timezone", zone.as_str());
        self.pages.list.call.zone(zone, Page::set_time_zone);
        self
    }

    /// Returns the next row, or `None` after the last one.
    ///
    /// Cancel safe: if the future is dropped, the request of a page continues with the next call, and no row is lost.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument is invalid (nothing is sent), if a request fails, or if the list has rows beyond
    /// the 11,000 that the service returns. In the last case, all rows within reach are returned first.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns all remaining rows.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<T>> {
        let mut rows = Vec::from(std::mem::take(&mut self.rows));
        while let Some(page) = self.pages.next().await {
            rows.append(&mut page?.rows);
            // The rows within reach would be dropped with the error that follows them.
            self.pages.check_reach()?;
        }
        Ok(rows)
    }

    /// Returns the list page by page, with its totals. The remaining rows of a partly read page are skipped.
    pub fn pages(self) -> Pages<T> {
        self.pages
    }

    /// Returns one page, beginning at [`start_index`](Self::start_index), without reading the rest of the list.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`next`](Self::next).
    pub async fn page(self) -> Result<Page<T>> {
        Ok(self.with_response().await?.body)
    }

    /// Returns one page like [`page`](Self::page), together with the status and headers of the response.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`next`](Self::next).
    pub async fn with_response(mut self) -> Result<Response<Page<T>>> {
        let (next, rows) = (self.pages.next, self.pages.list.page_size);
        self.pages.list.call(next, rows)?.send().await
    }

    /// The list as configured, and the index of its first row.
    pub(crate) fn into_list(self) -> (List<T>, u32) {
        (self.pages.list, self.pages.next)
    }

    /// Adds a search condition that only some operations have.
    pub(crate) fn condition(mut self, name: &'static str, value: &str) -> Self {
        self.pages.list.call.query(name, value);
        self
    }

    pub(crate) fn check(&mut self, rule: Result<()>) {
        let invalid = &mut self.pages.list.invalid;
        *invalid = invalid.take().or(rule.err());
    }
}

service_core::call_setters!(<T: Row> Pager<T>, pages.list.call);

impl<T: Row> Stream for Pager<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            match ready!(Pin::new(&mut self.pages).poll_next(context)) {
                Some(Ok(page)) => self.rows = page.rows.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T> fmt::Debug for Pager<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager").field("operation", &self.pages.list.operation.id).finish_non_exhaustive()
    }
}
