//! The most recent events, one line each: requests with their status, closed WebSockets, and calls to webhooks. They
//! are kept for the status page and, if enabled, printed. No line contains a secret.

mod entry;
mod style;

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

pub(crate) use entry::{Entry, Outcome, time_of_day};
pub use style::LogStyle;

use crate::clock::{Clock, real_time};
use crate::message::Service;

/// The number of lines to keep.
pub(crate) const MAX_ENTRIES: usize = 50;
/// The number of lines that a slow reader may be behind before it misses some.
const BACKLOG: usize = 256;

#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    /// `None` if lines are not printed; otherwise, whether in color.
    printed: Option<bool>,
    lines: Mutex<Lines>,
    added: broadcast::Sender<Entry>,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<Entry>,
    /// The number of the newest line.
    last: u64,
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
        let added = broadcast::Sender::new(BACKLOG);
        Self { clock, printed: style.resolve(), lines: Mutex::default(), added }
    }

    /// Starts to record a request or another operation. Secrets in the query of `target` are masked.
    pub(crate) fn begin(&self, verb: &str, target: &str) -> Pending<'_> {
        let line = Entry::new(self.clock.now(), verb, target);
        Pending { journal: self, line: Some(line), began: real_time::Stopwatch::start() }
    }

    /// The most recent lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<Entry> {
        self.state().kept.iter().cloned().collect()
    }

    /// The lines after the one with this number that are still kept, and those that are added from now on.
    pub(crate) fn follow(&self, after: u64) -> (Vec<Entry>, broadcast::Receiver<Entry>) {
        let lines = self.state();
        let missed = lines.kept.iter().filter(|line| line.number > after).cloned().collect();
        (missed, self.added.subscribe())
    }

    /// The number of the newest line, which is the number of lines so far.
    pub(crate) fn count(&self) -> u64 {
        self.state().last
    }

    /// Forgets all lines.
    pub(crate) fn clear(&self) {
        self.state().kept.clear();
    }

    fn state(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, mut line: Entry) {
        if let Some(color) = self.printed {
            // Standard error is closed. That must not stop the emulator.
            let _ = writeln!(std::io::stderr().lock(), "{}", line.text(color));
        }
        let mut lines = self.state();
        lines.last += 1;
        line.number = lines.last;
        lines.kept.push_back(line.clone());
        if lines.kept.len() > MAX_ENTRIES {
            lines.kept.pop_front();
        }
        // Sent under the lock, so that a follower misses none and sees none twice. No follower is not an error.
        let _ = self.added.send(line);
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
