//! The pages of a list: which are requested, what must be true of them, and where a list ends.
//!
//! The service numbers rows from `startIndex`, at most 10,000, and returns at most 1,000 of them, so rows from 11,000
//! on cannot be reached. A list that has such rows ends with an error that says how to reach them, never as if it were
//! complete.

use std::fmt;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use service_core::{CallFuture, Operation};

use crate::call::Call;
use crate::page::{Page, Row};
use crate::rules::{MAX_RESULTS, MAX_START_INDEX};
use crate::{Date, Error, ErrorKind, Result};

/// A list that is read page by page, created by [`Pager::pages`](crate::Pager::pages). It is also a `Stream` of pages. It ends after the
/// last page and after an error.
#[must_use = "does nothing until its pages are taken"]
pub struct Pages<T> {
    pub(crate) list: List<T>,
    /// The index of the first row of the next page.
    pub(crate) next: u32,
    total: Option<u64>,
    /// A fingerprint of the rows of the latest page.
    latest: Option<u64>,
    in_flight: Option<CallFuture<Page<T>>>,
    ended: bool,
}

impl<T: Row> Pages<T> {
    pub(crate) fn new(list: List<T>) -> Self {
        Self { list, next: 0, total: None, latest: None, in_flight: None, ended: false }
    }

    /// Returns the next page, or `None` after the last one. A list without matches has one empty page.
    ///
    /// Cancel safe: if the future is dropped, the request continues with the next call.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`Pager::next`](crate::Pager::next).
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
        let call = self.list.call(start, MAX_RESULTS.min(known + self.list.page_size))?;
        let operation = self.list.operation.id;
        Ok(Box::pin(async move {
            let mut page = call.send().await?.body;
            if !page.rows.is_empty() && page.start_index != u64::from(start) {
                let found = page.start_index;
                return Err(stuck(
                    operation,
                    &format!("the page begins at row {found} instead of row {start}"),
                ));
            }
            let repeated = page.rows.len().min(known as usize);
            page.rows.drain(..repeated);
            (page.start_index, page.fetch_size) = (u64::from(start + known), page.rows.len() as u64);
            Ok(page)
        }))
    }

    /// Moves behind the page. A page that leads no further is an error: ending there would lose rows, and continuing could
    /// take forever.
    fn advance(&mut self, page: Page<T>) -> Result<Page<T>> {
        let (next, id) = (self.next, self.list.operation.id);
        // A page that matches nothing has no total.
        let total = if page.total_size == 0 { self.total.unwrap_or_default() } else { page.total_size };
        if page.rows.is_empty() && u64::from(next) < total {
            let text = format!("the page at row {next} is empty, although the list has {total} rows");
            return Err(stuck(id, &text));
        }
        let fingerprint = fingerprint(&page.rows);
        if fingerprint.is_some() && fingerprint == self.latest {
            let text = format!("the page at row {next} repeats the rows of the previous page");
            return Err(stuck(id, &text));
        }
        self.latest = fingerprint;
        self.next = next.saturating_add(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
        self.total = Some(page.total_size);
        self.ended = u64::from(self.next) >= page.total_size;
        Ok(page)
    }

    /// Returns an error if the list has rows beyond those that the service returns.
    pub(crate) fn check_reach(&self) -> Result<()> {
        let reach = u64::from(MAX_START_INDEX + MAX_RESULTS);
        if self.total.is_some_and(|total| total > reach) { Err(self.out_of_reach()) } else { Ok(()) }
    }

    fn out_of_reach(&self) -> Error {
        let reach = MAX_START_INDEX + MAX_RESULTS;
        let rule = format!(
            "has more rows than the {reach} that the service returns: narrow it by date with `from` and `to`"
        );
        let total = self.total.map(|total| format!("{total} rows"));
        Error::invalid_input("list", &rule, total.as_deref()).with_operation(self.list.operation.id)
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
        let outcome = outcome.and_then(|page| self.advance(page));
        self.ended |= outcome.is_err();
        Poll::Ready(Some(outcome))
    }
}

fn stuck(operation: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("the list does not advance: {why}")).with_operation(operation)
}

/// A hash of the rows. A single row has none, since two rows can be equal.
fn fingerprint<T: Row>(rows: &[T]) -> Option<u64> {
    let json = serde_json::to_vec(rows).ok().filter(|_| rows.len() > 1)?;
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    Some(hasher.finish())
}

/// What the calls of all pages have in common.
pub(crate) struct List<T> {
    /// The call of every page, without its dates and the range of its rows.
    pub(crate) call: Call<Page<T>>,
    pub(crate) operation: &'static Operation,
    pub(crate) page_size: u32,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) invalid: Option<Error>,
}

impl<T: Row> List<T> {
    /// The same list for other days. An invalid argument in `invalid` stays with the original.
    pub(crate) fn between(&mut self, from: Date, to: Date) -> Self {
        Self { call: self.call.again(), from: Some(from), to: Some(to), invalid: None, ..*self }
    }

    pub(crate) fn call(&mut self, start: u32, rows: u32) -> Result<Call<Page<T>>> {
        if let Some(error) = self.invalid.take() {
            return Err(error);
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            let rule = format!("must not be after `to`, {to}");
            return Err(Error::invalid_input("from", &rule, Some(&from.to_string())));
        }
        let mut call = self.call.again();
        call.query("startIndex", &start.to_string());
        call.query("maxResults", &rows.to_string());
        for (name, day) in [("from", self.from), ("to", self.to)] {
            if let Some(day) = day {
                call.query(name, &day.compact());
            }
        }
        Ok(call)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("operation", &self.list.operation.id).finish_non_exhaustive()
    }
}
