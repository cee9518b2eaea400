//! What happened last, one line each: requests with their answers, the ends of WebSockets, calls to webhooks. Kept for the
//! page, and printed where that is asked for. No line holds a secret.

mod line;
mod style;

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

pub(crate) use line::{Line, Outcome, time_of_day};
pub use style::LogStyle;

use crate::clock::{Clock, real_time};
use crate::server::Service;

/// How many lines are kept.
pub(crate) const KEPT: usize = 50;

#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    /// Whether lines are printed, and then whether in colour.
    printed: Option<bool>,
    lines: Mutex<VecDeque<Line>>,
}

/// Something that has begun, and is written down when it ends: without an answer, unless one is told.
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    journal: &'a Journal,
    line: Option<Line>,
    began: real_time::Stopwatch,
}

impl Journal {
    pub(crate) fn new(clock: Clock, style: LogStyle) -> Self {
        Self { clock, printed: style.resolve(), lines: Mutex::default() }
    }

    /// A request, or whatever else takes time; `target` may have a query, whose secrets are left out.
    pub(crate) fn begin(&self, verb: &str, target: &str) -> Pending<'_> {
        let line = Line::new(self.clock.now(), verb, target);
        Pending { journal: self, line: Some(line), began: real_time::Stopwatch::start() }
    }

    /// The last lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn add(&self, line: Line) {
        if let Some(color) = self.printed {
            // Nobody reads any more: the work goes on.
            let _ = writeln!(std::io::stderr().lock(), "{}", line.text(color));
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line);
        if lines.len() > KEPT {
            lines.pop_front();
        }
    }
}

impl Pending<'_> {
    /// Tells whose it is.
    pub(crate) fn of(&mut self, service: Option<Service>) {
        if let Some(line) = &mut self.line {
            line.service = service;
        }
    }

    /// Adds to what is told of it.
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
        self.write(Outcome::Unanswered);
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
        for number in 0..KEPT {
            journal.begin("GET", &format!("/{number}")).end(Outcome::Status(200));
        }
        first.end(Outcome::Status(200));
        let lines = journal.lines();
        assert_eq!((lines.len(), lines[0].target.as_str()), (KEPT, "/1"));
        assert_eq!(lines[KEPT - 1].target, "/first");
    }

    #[test]
    fn what_is_given_up_is_written_down_as_unanswered() {
        let journal = journal();
        drop(journal.begin("GET", "/"));
        assert_eq!(journal.lines()[0].outcome, Outcome::Unanswered);
    }
}
