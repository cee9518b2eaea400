//! Relay logs beyond the rows that one search returns: the search is split by date until each part fits.
//!
//! The vendor does not document whether `from` and `to` include their days. A split therefore counts only if the totals of its
//! two parts add up to the total of the whole: first without a common day, as if both were included, then with one.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::page::Page;
use crate::pages::{List, Pages};
use crate::rules::{MAX_RESULTS, MAX_START_INDEX};
use crate::{Date, Error, ErrorKind, RelayLog, Result};

/// How many rows of a search the service returns.
const REACH: u64 = MAX_START_INDEX as u64 + MAX_RESULTS as u64;

/// Describes how much of a search has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of rows that have been read.
    pub rows: u64,
    /// The number of rows that match in total. It is 0 until the first response.
    pub total: u64,
}

/// A search of relay logs that is split by date, created by [`Pager::by_date`](crate::Pager::by_date).
///
/// It returns any number of rows, newest first. It is also a `Stream` of rows, and ends after the last row and after an
/// error. Rows that are added while it runs are an error, so the search should end in the past.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
/// # let site = builder.endpoint(emulator.endpoint()).build()?;
/// # emulator.hulft().add_relay_logs(12_000);
/// let search = site.relay_logs().list().from("2024-01-01".parse()?).to("2024-01-31".parse()?).by_date();
/// let search = search.on_progress(|progress| eprintln!("{} of {} rows", progress.rows, progress.total));
/// match search.all().await {
///     Ok(rows) => assert_eq!(rows.len(), 12_000),
///     Err(incomplete) => eprintln!("only {} rows: {incomplete}", incomplete.rows.len()),
/// }
/// # Ok(()) }
/// ```
#[must_use = "does nothing until its rows are taken"]
pub struct RelayLogsByDate {
    /// `None` while a step runs, and after the end.
    search: Option<Search>,
    step: Option<RunningStep>,
    rows: VecDeque<RelayLog>,
    progress: Progress,
    on_progress: Option<Box<dyn FnMut(Progress) + Send>>,
}

type RunningStep = Pin<Box<dyn Future<Output = (Search, Step)> + Send>>;

/// The next rows, or the end.
type Step = Option<Result<Vec<RelayLog>>>;

impl RelayLogsByDate {
    pub(crate) fn new(mut list: List<RelayLog>, start_index: u32) -> Self {
        let whole = list.from.zip(list.to);
        let rule = match start_index {
            0 => whole.is_none().then_some("needs both `from` and `to`"),
            _ => Some("begins at the first row, without `start_index`"),
        };
        if let Some(rule) = rule {
            list.invalid.get_or_insert_with(|| Error::invalid_input("search by date", rule, None));
        }
        let search = Search { list, whole, total: None, parts: Vec::new(), needs_common_day: false };
        Self {
            search: Some(search),
            step: None,
            rows: VecDeque::new(),
            progress: Progress::default(),
            on_progress: None,
        }
    }

    /// Sets a function that is called after each response with rows.
    pub fn on_progress(mut self, report: impl FnMut(Progress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    /// Returns how much of the search has been read, including rows that have not been taken.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Returns the next row, or `None` after the last one.
    ///
    /// Cancel safe: if the future is dropped, the request continues with the next call, and no row is lost.
    ///
    /// # Errors
    ///
    /// Returns an error if `from` or `to` is missing, if an argument is invalid, if a request fails, if the totals of the
    /// parts do not add up, or if a single day has more than the 11,000 rows that the service returns. In the last case,
    /// the rows of this day that the service returns come before the error.
    pub async fn next(&mut self) -> Option<Result<RelayLog>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns all remaining rows.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`next`](Self::next). It contains the rows that were read.
    pub async fn all(mut self) -> Result<Vec<RelayLog>, IncompleteRelayLogs> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await {
            match row {
                Ok(row) => rows.push(row),
                Err(error) => return Err(IncompleteRelayLogs { rows, total: self.progress.total, error }),
            }
        }
        Ok(rows)
    }
}

impl Stream for RelayLogsByDate {
    type Item = Result<RelayLog>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            if let Some(mut search) = self.search.take() {
                self.step = Some(Box::pin(async move {
                    let step = search.step().await;
                    (search, step)
                }));
            }
            let Some(step) = &mut self.step else { return Poll::Ready(None) };
            let (search, step) = ready!(step.as_mut().poll(context));
            self.step = None;
            self.progress.total = search.total.unwrap_or_default();
            match step {
                Some(Ok(rows)) => self.advance(search, rows),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl RelayLogsByDate {
    fn advance(&mut self, search: Search, rows: Vec<RelayLog>) {
        self.progress.rows += rows.len() as u64;
        self.rows = rows.into();
        self.search = Some(search);
        if let Some(report) = &mut self.on_progress {
            report(self.progress);
        }
    }
}

impl fmt::Debug for RelayLogsByDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayLogsByDate").field("progress", &self.progress).finish_non_exhaustive()
    }
}

/// The error of a search that ended early, with the rows that were read.
#[derive(thiserror::Error)]
#[error("{error}; {} of {total} rows were read", rows.len())]
#[non_exhaustive]
pub struct IncompleteRelayLogs {
    /// The rows that were read, newest first.
    pub rows: Vec<RelayLog>,
    /// The number of rows that match in total. It is 0 if the first request failed.
    pub total: u64,
    /// Says why the search ended.
    #[source]
    pub error: Error,
}

/// One line, without the rows.
impl fmt::Debug for IncompleteRelayLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<IncompleteRelayLogs> for Error {
    /// Drops the rows.
    fn from(incomplete: IncompleteRelayLogs) -> Self {
        incomplete.error
    }
}

struct Search {
    list: List<RelayLog>,
    whole: Option<(Date, Date)>,
    total: Option<u64>,
    /// What is left to read, oldest first.
    parts: Vec<Part>,
    /// Whether a split has shown that two parts must have a day in common, since `from` or `to` excludes it.
    needs_common_day: bool,
}

/// A part of the search: the days from `from` to `to`, as they are sent.
struct Part {
    from: Date,
    to: Date,
    total: u64,
    read: u64,
    /// The first page, from which the total is known.
    first: Option<Page<RelayLog>>,
    pages: Pages<RelayLog>,
    /// Whether it is a single day.
    indivisible: bool,
}

impl Search {
    async fn step(&mut self) -> Step {
        self.try_step().await.transpose()
    }

    async fn try_step(&mut self) -> Result<Option<Vec<RelayLog>>> {
        if self.total.is_none() {
            self.list.invalid.take().map_or(Ok(()), Err)?;
            let Some((from, to)) = self.whole else { return Ok(None) };
            let part = self.open(from, to).await?;
            self.total = Some(part.total);
            self.parts.push(part);
        }
        while let Some(mut part) = self.parts.pop() {
            if part.total > REACH && !part.indivisible {
                self.split(part).await?;
            } else if let Some(page) = part.next(self.list.operation.id).await? {
                self.parts.push(part);
                return Ok(Some(page.rows));
            }
        }
        Ok(None)
    }

    /// Requests the first page of a part.
    async fn open(&mut self, from: Date, to: Date) -> Result<Part> {
        let mut pages = Pages::new(self.list.between(from, to));
        let first = pages.next().await.transpose()?.unwrap_or_default();
        let total = first.total_size;
        Ok(Part { from, to, total, read: 0, first: Some(first), pages, indivisible: from == to })
    }

    /// Replaces a part by two.
    async fn split(&mut self, mut part: Part) -> Result<()> {
        let days = part.to.days_since_epoch() - part.from.days_since_epoch();
        let middle = part.from.plus(days / 2);
        if !self.needs_common_day {
            let (older, newer) = (part.from.plus((days - 1) / 2), part.from.plus((days - 1) / 2 + 1));
            if self.add_up(part.total, (part.from, older), (newer, part.to)).await? {
                return Ok(());
            }
        }
        if days == 1 {
            // Only one of the two days is included.
            part.indivisible = true;
            self.parts.push(part);
            return Ok(());
        }
        if self.add_up(part.total, (part.from, middle), (middle, part.to)).await? {
            self.needs_common_day = true;
            return Ok(());
        }
        let Part { from, to, total, .. } = part;
        let text = format!(
            "the search cannot be split by date: the {total} rows from {from} to {to} are not the sum of its parts"
        );
        Err(Error::new(ErrorKind::Decode, text).with_operation(self.list.operation.id))
    }

    /// Opens two parts and keeps them if they have as many rows as the whole.
    async fn add_up(&mut self, total: u64, older: (Date, Date), newer: (Date, Date)) -> Result<bool> {
        let newer = self.open(newer.0, newer.1).await?;
        let older = self.open(older.0, older.1).await?;
        let complete = older.total.checked_add(newer.total) == Some(total);
        if complete {
            self.parts.extend([older, newer]);
        }
        Ok(complete)
    }
}

impl Part {
    /// The next page, or `None` after the last one.
    async fn next(&mut self, operation: &'static str) -> Result<Option<Page<RelayLog>>> {
        let Self { from, to, total, .. } = *self;
        if self.read >= REACH && total > REACH {
            let what = format!("the search from {from} to {to}");
            let rule = format!(
                "has {total} rows, more than the {REACH} that the service returns, and a day cannot be split: narrow it by file or connection"
            );
            let error = Error::invalid_input(&what, &rule, None);
            return Err(error.with_operation(operation));
        }
        let page = match self.first.take() {
            Some(first) => Some(first),
            None => self.pages.next().await.transpose()?,
        };
        self.read += page.as_ref().map_or(0, |page| page.rows.len() as u64);
        if page.is_none() && self.read != total {
            let read = self.read;
            let text = format!(
                "the rows from {from} to {to} changed from {total} to {read} while they were read: search only days in the past"
            );
            return Err(Error::new(ErrorKind::Decode, text).with_operation(operation));
        }
        Ok(page)
    }
}
