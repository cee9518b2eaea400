//! Lists: one request per page, asked for as the rows are taken.
//!
//! The service numbers rows from `startIndex`, at most 10,000, and gives at most 1,000 of them, so that rows from 11,000 on
//! are out of reach. A list that has such rows ends with an error that says how to get at them, never as if it were complete.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use http::{HeaderName, HeaderValue};
use service_core::{CallFuture, Operation, Pipeline};

use crate::call::{self, Call};
use crate::page::{Page, Row};
use crate::rules::{self, MAX_RESULTS, MAX_START_INDEX};
use crate::{Date, Error, Policy, Response, Result, RetryOptions, TimeZone};

/// What is done to the call of every page.
type Setting<T> = Box<dyn Fn(&mut Call<Page<T>>) + Send + Sync>;

/// A list in the making, and its rows one by one: [`next`](Self::next) sends what is needed for the next row. It is a
/// `Stream` of rows as well. After an error it has ended.
///
/// The service counts rows anew for every page. Rows that come or go while a list is read may make others appear twice or
/// not at all; a fixed [`to`](Self::to) in the past keeps new ones out of logs.
#[must_use = "does nothing until its rows are taken"]
pub struct Pager<T> {
    pages: Pages<T>,
    rows: VecDeque<T>,
}

impl<T: Row> Pager<T> {
    pub(crate) fn new(
        pipeline: &Pipeline,
        operation: &'static Operation,
        segments: &[(&'static str, &str)],
    ) -> Self {
        let segments = segments.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let list = List {
            pipeline: pipeline.clone(),
            operation,
            segments,
            page_size: MAX_RESULTS,
            from: None,
            to: None,
            zone: None,
            settings: Vec::new(),
            refused: None,
        };
        let pages = Pages { list, next: 0, total: None, waiting: None, ended: false };
        Self { pages, rows: VecDeque::new() }
    }

    /// Asks for this many rows at a time: 1 to 1,000. Default: 1,000, since the service counts requests, not rows.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.check(rules::number("maxResults", rows, 1, MAX_RESULTS));
        self.pages.list.page_size = rows;
        self
    }

    /// Starts at this row: 0 to 10,000. Default: 0.
    pub fn start_index(mut self, row: u32) -> Self {
        self.check(rules::number("startIndex", row, 0, MAX_START_INDEX));
        self.pages.next = row;
        self
    }

    /// Searches from this day on. The vendor does not say which time of a row counts; for relay logs it is presumably
    /// the start of the transfer.
    pub fn from(mut self, day: Date) -> Self {
        self.pages.list.from = Some(day);
        self
    }

    /// Searches up to this day. The vendor does not say whether the day itself is included.
    pub fn to(mut self, day: Date) -> Self {
        self.pages.list.to = Some(day);
        self
    }

    /// Names the zone of the days searched and of the times answered. Default: UTC.
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.pages.list.zone = Some(zone);
        self
    }

    /// Sets a header of every request in place of any value that it would have.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => self.each(move |call| call.header(name.clone(), value.clone())),
            // Neither is repeated: a header may well hold a secret.
            _ => self.refuse("header", "has a name or a value that HTTP does not allow"),
        }
    }

    /// Sets how long the request of a page may take, its waits included.
    pub fn deadline(self, limit: Duration) -> Self {
        self.each(move |call| call.deadline(limit))
    }

    /// Sets how long one attempt of a request may take.
    pub fn attempt_timeout(self, limit: Duration) -> Self {
        self.each(move |call| call.attempt_timeout(limit))
    }

    /// Sets how long making a connection may take, where a request needs a new one.
    pub fn connect_timeout(self, limit: Duration) -> Self {
        self.each(move |call| call.connect_timeout(limit))
    }

    /// Sets how failures of a passing kind are retried in each request.
    pub fn retry(self, retry: RetryOptions) -> Self {
        self.each(move |call| call.retry(retry.clone()))
    }

    /// Adds code around every request, outside its retries.
    pub fn policy(self, policy: impl Policy) -> Self {
        let policy: Arc<dyn Policy> = Arc::new(policy);
        self.each(move |call| call.policy(Arc::clone(&policy)))
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    ///
    /// A bad argument, before anything is sent; everything that a call may meet; rows out of reach, once all that can be
    /// had were given.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All rows that are left.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<T>> {
        let mut rows = Vec::from(std::mem::take(&mut self.rows));
        while let Some(page) = self.pages.next().await {
            rows.append(&mut page?.rows);
        }
        Ok(rows)
    }

    /// The list page by page, with its totals. Rows of a page that was begun are left out.
    pub fn pages(self) -> Pages<T> {
        self.pages
    }

    /// One page, from [`start_index`](Self::start_index) on: its totals without the rest of the list.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn page(self) -> Result<Page<T>> {
        Ok(self.with_response().await?.body)
    }

    /// One page, as [`page`](Self::page) gives it, together with the answer's status and headers.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn with_response(mut self) -> Result<Response<Page<T>>> {
        let (next, rows) = (self.pages.next, self.pages.list.page_size);
        self.pages.list.call(next, rows)?.send().await
    }

    /// Adds a search condition of the operation's own.
    pub(crate) fn condition(self, name: &'static str, value: String) -> Self {
        self.each(move |call| call.query(name, &value))
    }

    pub(crate) fn check(&mut self, rule: Result<()>) {
        let refused = &mut self.pages.list.refused;
        *refused = refused.take().or(rule.err());
    }

    fn refuse(mut self, what: &str, rule: &str) -> Self {
        self.check(Err(Error::invalid_input(what, rule, None)));
        self
    }

    fn each(mut self, setting: impl Fn(&mut Call<Page<T>>) + Send + Sync + 'static) -> Self {
        self.pages.list.settings.push(Box::new(setting));
        self
    }
}

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

/// A list page by page; made by [`Pager::pages`]. It is a `Stream` of pages as well. After an error it has ended.
#[must_use = "does nothing until its pages are taken"]
pub struct Pages<T> {
    list: List<T>,
    /// The row that the next page starts with.
    next: u32,
    total: Option<u64>,
    waiting: Option<CallFuture<Page<T>>>,
    ended: bool,
}

impl<T: Row> Pages<T> {
    /// The next page; `None` after the last. A list that matches nothing has one page without rows.
    ///
    /// # Errors
    ///
    /// As [`Pager::next`].
    pub async fn next(&mut self) -> Option<Result<Page<T>>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn begin(&mut self) -> Result<CallFuture<Page<T>>> {
        // The last rows within reach are asked for from the last possible start, with rows that were there already.
        let start = self.next.min(MAX_START_INDEX);
        let known = self.next - start;
        if known >= MAX_RESULTS {
            return Err(self.out_of_reach());
        }
        let call = self.list.call(start, MAX_RESULTS.min(known + self.list.page_size))?;
        Ok(Box::pin(async move {
            let mut page = call.send().await?.body;
            let known_here = page.rows.len().min(known as usize);
            page.rows.drain(..known_here);
            (page.start_index, page.fetch_size) = (u64::from(start + known), page.rows.len() as u64);
            Ok(page)
        }))
    }

    fn advance(&mut self, page: &Page<T>) {
        self.next = self.next.saturating_add(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
        self.total = Some(page.total_size);
        self.ended = page.rows.is_empty() || u64::from(self.next) >= page.total_size;
    }

    fn out_of_reach(&self) -> Error {
        let reach = MAX_START_INDEX + MAX_RESULTS;
        let rule = format!(
            "has more rows than the {reach} that the service gives out: narrow it by date, with `from` and `to`"
        );
        let total = self.total.map(|total| format!("{total} rows"));
        Error::invalid_input("list", &rule, total.as_deref())
    }
}

impl<T: Row> Stream for Pages<T> {
    type Item = Result<Page<T>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.waiting.is_none() {
            if self.ended {
                return Poll::Ready(None);
            }
            match self.begin() {
                Ok(call) => self.waiting = Some(call),
                Err(error) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
        let outcome = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        match &outcome {
            Ok(page) => self.advance(page),
            Err(_) => self.ended = true,
        }
        Poll::Ready(Some(outcome))
    }
}

/// What the calls of all pages have in common.
struct List<T> {
    pipeline: Pipeline,
    operation: &'static Operation,
    segments: Vec<(&'static str, String)>,
    page_size: u32,
    from: Option<Date>,
    to: Option<Date>,
    zone: Option<TimeZone>,
    settings: Vec<Setting<T>>,
    refused: Option<Error>,
}

impl<T: Row> List<T> {
    fn call(&mut self, start: u32, rows: u32) -> Result<Call<Page<T>>> {
        if let Some(error) = self.refused.take() {
            return Err(error);
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            let rule = format!("must not be after `to`, {to}");
            return Err(Error::invalid_input("from", &rule, Some(&from.to_string())));
        }
        let segments: Vec<_> = self.segments.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut call = Call::new(&self.pipeline, self.operation, &segments, call::page);
        call.query("startIndex", &start.to_string());
        call.query("maxResults", &rows.to_string());
        for (name, day) in [("from", self.from), ("to", self.to)] {
            if let Some(day) = day {
                call.query(name, &day.compact());
            }
        }
        if let Some(zone) = &self.zone {
            call.query("timezone", zone.as_str());
            call.zone(zone.clone(), Page::set_time_zone);
        }
        for setting in &self.settings {
            setting(&mut call);
        }
        Ok(call)
    }
}

impl<T> fmt::Debug for Pager<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager").field("operation", &self.pages.list.operation.id).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("operation", &self.list.operation.id).finish_non_exhaustive()
    }
}
