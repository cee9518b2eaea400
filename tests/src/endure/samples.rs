//! What is sampled while everything runs, and whether it grew.

use std::fmt::{self, Write as _};
use std::fs;

use service_core::BoxError;

/// Memory, in KiB, may grow by this share.
const GROWTH: f64 = 0.02;

/// What a series measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In KiB.
    Memory,
    Descriptors,
    Tasks,
    Queue,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Memory, Self::Descriptors, Self::Tasks, Self::Queue];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Memory => "resident memory in MiB",
            Self::Descriptors => "open file descriptors",
            Self::Tasks => "tokio tasks",
            Self::Queue => "lengths of queues",
        }
    }

    /// By how much the value may exceed the share. Small numbers vary by more than 2% without any growth.
    fn slack(self) -> f64 {
        match self {
            Self::Memory => 0.0,
            Self::Descriptors => 6.0,
            Self::Tasks => 12.0,
            Self::Queue => 50.0,
        }
    }
}

/// One value over time.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) values: Vec<f64>,
}

/// All values over time.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples {
    /// When the samples were taken, in seconds.
    pub(super) times: Vec<f64>,
    pub(super) series: Vec<Series>,
}

/// A comparison of an early part of a series with its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// What was measured.
    pub name: &'static str,
    /// The median of the sixth of the run that follows its first third.
    pub early: f64,
    /// The median of the last sixth.
    pub late: f64,
    /// The maximum that `late` may have.
    pub limit: f64,
}

impl Growth {
    /// Whether the series did not grow.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.late <= self.limit
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, early, late, limit } = self;
        let change = if *early > 0.0 { (late / early - 1.0) * 100.0 } else { 0.0 };
        let grew = if self.holds() { "" } else { "  GREW" };
        write!(f, "{name:<44} {early:>10.0} {late:>10.0} {change:>7.1}%   at most {limit:>8.0}{grew}")
    }
}

impl Samples {
    /// Adds one value of every series. The first call decides which series there are.
    pub(super) fn push(&mut self, time: f64, values: &[(&'static str, Kind, f64)]) {
        if self.series.is_empty() {
            let new = |(name, kind, _): &(&'static str, Kind, f64)| Series {
                name,
                kind: *kind,
                values: Vec::new(),
            };
            self.series = values.iter().map(new).collect();
        }
        self.times.push(time);
        for (series, (_, _, value)) in self.series.iter_mut().zip(values) {
            series.values.push(*value);
        }
    }

    /// Compares the start and the end of each series. Empty if there are too few samples.
    pub(super) fn growth(&self) -> Vec<Growth> {
        self.series.iter().filter_map(Series::growth).collect()
    }

    /// Writes all samples as CSV.
    pub(super) fn write_csv(&self, path: &std::path::Path) -> Result<(), BoxError> {
        let mut text = String::from("seconds");
        for series in &self.series {
            write!(text, ",{}", series.name)?;
        }
        for (row, time) in self.times.iter().enumerate() {
            write!(text, "\n{time:.1}")?;
            for series in &self.series {
                write!(text, ",{}", series.values.get(row).copied().unwrap_or_default())?;
            }
        }
        text.push('\n');
        Ok(fs::write(path, text)?)
    }
}

impl Series {
    fn growth(&self) -> Option<Growth> {
        let all = self.values.len();
        let early = median(self.values.get(all / 3..all / 2)?)?;
        let late = median(self.values.get(all - all / 6..)?)?;
        let limit = early * (1.0 + GROWTH) + self.kind.slack();
        Some(Growth { name: self.name, early, late, limit })
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(kind: Kind, value: impl Fn(usize) -> f64) -> Growth {
        let mut samples = Samples::default();
        for second in 0..1_800 {
            samples.push(second as f64, &[("it", kind, value(second))]);
        }
        samples.growth()[0]
    }

    #[test]
    fn what_rises_only_in_the_first_third_or_varies_did_not_grow() {
        let warms_up = growth(Kind::Memory, |second| 50_000.0 + 50.0 * second.min(600) as f64);
        assert!(warms_up.holds(), "{warms_up}");
        let varies = growth(Kind::Memory, |second| 50_000.0 + (second * 7_919 % 1_000) as f64 * 20.0);
        assert!(varies.holds(), "{varies}");
        // A peak at the end is not growth.
        let peaks = growth(Kind::Queue, |second| if second % 100 == 99 { 10_000.0 } else { 3.0 });
        assert!(peaks.holds(), "{peaks}");
    }

    #[test]
    fn what_rises_until_the_end_grew() {
        // 2.5% in the two thirds.
        let leaks = growth(Kind::Memory, |second| 50_000.0 + second as f64 * 1.5);
        assert!(!leaks.holds(), "{leaks}");
        let tasks = growth(Kind::Tasks, |second| 100.0 + second as f64 / 40.0);
        assert!(!tasks.holds(), "{tasks}");
        assert!(tasks.to_string().ends_with("GREW"), "{tasks}");
    }

    #[test]
    fn too_few_samples_prove_nothing() {
        let mut samples = Samples::default();
        (0..5).for_each(|second| samples.push(f64::from(second), &[("it", Kind::Queue, 1.0)]));
        assert!(samples.growth().is_empty());
    }
}
