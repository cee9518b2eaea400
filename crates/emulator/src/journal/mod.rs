//! The most recent events, one line each: requests with their status, closed WebSockets, and calls to webhooks. They
//! are kept for the status page and, if enabled, printed. No line contains a secret.

mod entry;
mod style;

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

pub(crate) use entry::{Entry, Outcome, time_of_day};
pub use style::LogStyle;

use crate::clock::{Clock, real_time};
use crate::message::Service;

/// The number of lines to keep.
pub(crate) const MAX_ENTRIES: usize = 50;

#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    /// `None` if lines are not printed; otherwise, whether in color.
    printed: Option<bool>,
    lines: Mutex<VecDeque<Entry>>,
}

/// An operation in progress. It is recorded when it ends, without a response unless an outcome was reported.
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    journal: &'a Journal,
    line: Option<Entry>,
    began: real_time::Stopwatch,
}

impl Journal {
    pub(crate) fn new(clock: Clock, style: LogStyle) -> Self {
        Self { clock, printed: style.resolve(), lines: Mutex::default() }
    }

    /// Starts to record a request or another operation. Secrets in the query of `target` are masked.
    pub(crate) fn begin(&self, verb: &str, target: &str) -> Pending<'_> {
        let line = Entry::new(self.clock.now(), verb, target);
        Pending { journal: self, line: Some(line), began: real_time::Stopwatch::start() }
    }

    /// The most recent lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<Entry> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn add(&self, line: Entry) {
        if let Some(color) = self.printed {
            // Standard error is closed. That must not stop the emulator.
            let _ = writeln!(std::io::stderr().lock(), "{}", line.text(color));
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line);
        if lines.len() > MAX_ENTRIES {
            lines.pop_front();
        }
    }
}

impl Pending<'_> {
    /// Sets the service that it belongs to.
    pub(crate) fn of(&mut self, service: Option<Service>) {
        if let Some(line) = &mut self.line {
            line.service = service;
        }
    }

    /// Adds a note.
    pub(crate) fn note(&mut self, note: &str) {
        if let Some(line) = &mut self.line {
            line.note(note);
        }
    }

    pub(crate) fn end(mut self, outcome: Outcome) {
        self.write(outcome);
    }

    fn write(&mut self, outcome: Outcome) {
        if let Some(mut line) = self.line.take() {
            line.outcome = outcome;
            line.took = self.began.elapsed();
            self.journal.add(line);
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.write(Outcome::NoResponse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        Journal::new(Clock::new(), LogStyle::Off)
    }

    #[test]
    fn only_the_last_lines_are_kept_in_the_order_in_which_they_ended() {
        let journal = journal();
        let first = journal.begin("GET", "/first");
        for number in 0..MAX_ENTRIES {
            journal.begin("GET", &format!("/{number}")).end(Outcome::Status(200));
        }
        first.end(Outcome::Status(200));
        let lines = journal.lines();
        assert_eq!((lines.len(), lines[0].target.as_str()), (MAX_ENTRIES, "/1"));
        assert_eq!(lines[MAX_ENTRIES - 1].target, "/first");
    }

    #[test]
    fn an_operation_without_an_end_is_recorded_without_a_response() {
        let journal = journal();
        drop(journal.begin("GET", "/"));
        assert_eq!(journal.lines()[0].outcome, Outcome::NoResponse);
    }
}
