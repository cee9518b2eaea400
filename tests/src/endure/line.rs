//! A line of the report.

use std::fmt;

/// A count, and whether it must be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// What is counted.
    pub label: &'static str,
    /// How often it happened.
    pub count: u64,
    /// Whether the run fails unless the count is zero.
    pub must_be_zero: bool,
}

impl Line {
    pub(super) fn count(label: &'static str, count: u64) -> Self {
        Self { label, count, must_be_zero: false }
    }

    pub(super) fn fault(label: &'static str, count: u64) -> Self {
        Self { label, count, must_be_zero: true }
    }

    /// Whether the count is as it must be.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.must_be_zero || self.count == 0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zero = if self.must_be_zero { "  must be 0" } else { "" };
        write!(f, "{:<52} {:>10}{zero}", self.label, self.count)
    }
}
