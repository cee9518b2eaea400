//! Lists: one request per page, sent as rows are taken.
//!
//! The service numbers rows from `startIndex`, at most 10,000, and returns at most 1,000 of them, so rows from 11,000
//! on cannot be reached. A list that has such rows ends with an error that says how to reach them, never as if it were
//! complete.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use service_core::{CallFuture, Operation, Pipeline};

use crate::call::{self, Call};
use crate::page::{Page, Row};
use crate::rules::{self, MAX_RESULTS, MAX_START_INDEX};
use crate::{Date, Error, Response, Result, TimeZone};

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
        let call = Call::new(pipeline, operation, segments, call::page);
        let pages = Pages {
            call,
            page_size: MAX_RESULTS,
            from: None,
            to: None,
            next: 0,
            total: None,
            in_flight: None,
            ended: false,
        };
        Self { pages, rows: VecDeque::new() }
    }

    /// Sets the number of rows per request: 1 to 1,000. Default: 1,000, because the service limits the number of
    /// requests, not rows.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.check(rules::number("maxResults", rows, 1, MAX_RESULTS));
        self.pages.page_size = rows;
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
        self.pages.from = Some(day);
        self.pages.call.query("from", &day.compact());
        self
    }

    /// Restricts the search to days before this one. The vendor does not document whether the day itself is included.
    pub fn to(mut self, day: Date) -> Self {
        self.pages.to = Some(day);
        self.pages.call.query("to", &day.compact());
        self
    }

    /// Sets the time zone of the search and of the returned times. Default: UTC.
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.pages.call.query("timezone", zone.as_str());
        self.pages.call.zone(zone, Page::set_time_zone);
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
        let (start, rows) = (self.pages.next, self.pages.page_size);
        self.pages.call_at(start, rows).send().await
    }

    /// Adds a search condition that only some operations have.
    pub(crate) fn condition(mut self, name: &'static str, value: &str) -> Self {
        self.pages.call.query(name, value);
        self
    }

    pub(crate) fn check(&mut self, rule: Result<()>) {
        self.pages.call.check(rule);
    }
}

service_core::call_setters!(<T: Row> Pager<T>, pages.call);

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

/// A list that is read page by page, created by [`Pager::pages`]. It is also a `Stream` of pages. It ends after the
/// last page and after an error.
#[must_use = "does nothing until its pages are taken"]
pub struct Pages<T> {
    /// The call of every page, without the range of its rows.
    call: Call<Page<T>>,
    page_size: u32,
    from: Option<Date>,
    to: Option<Date>,
    /// The index of the first row of the next page.
    next: u32,
    total: Option<u64>,
    in_flight: Option<CallFuture<Page<T>>>,
    ended: bool,
}

impl<T: Row> Pages<T> {
    /// Returns the next page, or `None` after the last one. A list without matches has one empty page.
    ///
    /// Cancel safe: if the future is dropped, the request continues with the next call.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`Pager::next`].
    pub async fn next(&mut self) -> Option<Result<Page<T>>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn request_page(&mut self) -> Result<CallFuture<Page<T>>> {
        // The last rows within reach are requested from the last possible start, which repeats known rows.
        let start = self.next.min(MAX_START_INDEX);
        let known = self.next - start;
        if known >= MAX_RESULTS {
            return Err(self.out_of_reach());
        }
        let call = self.call_at(start, MAX_RESULTS.min(known + self.page_size));
        Ok(Box::pin(async move {
            let mut page = call.send().await?.body;
            let repeated = page.rows.len().min(known as usize);
            page.rows.drain(..repeated);
            (page.start_index, page.fetch_size) = (u64::from(start + known), page.rows.len() as u64);
            Ok(page)
        }))
    }

    /// Returns the call of the page that begins at row `start`.
    fn call_at(&mut self, start: u32, rows: u32) -> Call<Page<T>> {
        let mut call = self.call.again();
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            let rule = format!("must not be after `to`, {to}");
            call.check(Err(Error::invalid_input("from", &rule, Some(&from.to_string()))));
        }
        call.query("startIndex", &start.to_string());
        call.query("maxResults", &rows.to_string());
        call
    }

    fn advance(&mut self, page: &Page<T>) {
        self.next = self.next.saturating_add(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
        self.total = Some(page.total_size);
        self.ended = page.rows.is_empty() || u64::from(self.next) >= page.total_size;
    }

    fn out_of_reach(&self) -> Error {
        let reach = MAX_START_INDEX + MAX_RESULTS;
        let rule = format!(
            "has more rows than the {reach} that the service returns: narrow it by date with `from` and `to`"
        );
        let total = self.total.map(|total| format!("{total} rows"));
        Error::invalid_input("list", &rule, total.as_deref())
    }
}

impl<T: Row> Stream for Pages<T> {
    type Item = Result<Page<T>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.in_flight.is_none() {
            if self.ended {
                return Poll::Ready(None);
            }
            match self.request_page() {
                Ok(call) => self.in_flight = Some(call),
                Err(error) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        let Some(in_flight) = &mut self.in_flight else { return Poll::Ready(None) };
        let outcome = ready!(in_flight.as_mut().poll(context));
        self.in_flight = None;
        match &outcome {
            Ok(page) => self.advance(page),
            Err(_) => self.ended = true,
        }
        Poll::Ready(Some(outcome))
    }
}

impl<T> fmt::Debug for Pager<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager").field("call", &self.pages.call).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("call", &self.call).finish_non_exhaustive()
    }
}
