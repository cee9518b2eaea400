//! What a benchmark says in the end: a table for each comparison, then each limit and whether it holds.

use std::fmt;
use std::process::ExitCode;

use crate::Result;
use crate::rounds::Outcome;
use crate::spread::Spread;

/// A bound that the project sets itself.
#[derive(Debug)]
pub struct Limit {
    what: String,
    measured: Spread,
    at_most: f64,
}

impl Limit {
    /// What is measured, its rounds, and the maximum of its median.
    pub fn new(what: impl Into<String>, measured: Spread, at_most: f64) -> Self {
        Self { what: what.into(), measured, at_most }
    }

    /// Whether the median keeps to it; a single round may be unlucky.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.measured.median <= self.at_most
    }
}

/// All that one benchmark found.
#[derive(Debug, Default)]
pub struct Report {
    text: String,
    limits: Vec<Limit>,
}

impl Report {
    /// A report that starts with what was measured, and how.
    pub fn new(method: impl Into<String>) -> Self {
        Self { text: method.into(), limits: Vec::new() }
    }

    /// Adds the table of one comparison.
    ///
    /// # Errors
    ///
    /// An outcome without rounds.
    pub fn table(&mut self, heading: &str, outcome: &Outcome) -> Result<()> {
        self.text.push_str(&format!("\n\n{heading:<44} median      min .. max      allocations\n"));
        for name in outcome.names() {
            let cpu = outcome.spread(name, |cost| cost.cpu)?;
            let allocations = outcome.spread(name, |cost| cost.allocations)?.median;
            self.text.push_str(&format!("  {name:<38} µs {cpu} {allocations:>9.1}\n"));
        }
        self.text.truncate(self.text.trim_end().len());
        Ok(())
    }

    /// Adds a separate line to the last measurement.
    pub fn note(&mut self, line: &str) {
        self.text.push_str(&format!("\n  {line}"));
    }

    /// Adds a limit.
    pub fn limit(&mut self, limit: Limit) {
        self.limits.push(limit);
    }

    /// Success when the median of every limit keeps to it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.limits.iter().all(Limit::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        write!(f, "\n\n{:<44} median      min .. max        limit", "limits, by the median of the rounds")?;
        for limit in &self.limits {
            let Limit { what, measured, at_most } = limit;
            let settlement = if limit.holds() { "within" } else { "OVER" };
            write!(f, "\n  {what:<41} {measured} {at_most:>6.2}  {settlement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report_of(median: f64) -> Report {
        let mut report = Report::new("how");
        report.limit(Limit::new("fine", Spread { median: 0.5, min: 0.5, max: 9.0 }, 1.0));
        report.limit(Limit::new("in question", Spread { median, min: 0.1, max: 9.0 }, 1.0));
        report
    }

    #[test]
    fn a_limit_goes_by_the_median_and_may_be_met_exactly() {
        let report = report_of(1.0);
        assert_eq!(report.exit_code(), ExitCode::SUCCESS);
        assert!(!report.to_string().contains("OVER"), "{report}");
    }

    #[test]
    fn one_median_over_its_limit_fails_the_run_and_is_marked() {
        let report = report_of(1.01);
        assert_eq!(report.exit_code(), ExitCode::FAILURE);
        let text = report.to_string();
        let marked: Vec<_> = text.lines().filter(|line| line.contains("OVER")).collect();
        assert!(marked.len() == 1 && marked[0].contains("in question"), "{text}");
    }
}
