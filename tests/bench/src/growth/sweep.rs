//! A figure of each contender at each point of an axis, over several runs.

use crate::Result;
use crate::calls::CPU;
use crate::rounds::Outcome;
use crate::spread::Spread;

/// What changes from point to point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) title: &'static str,
    /// The name of its chart.
    pub(super) file: &'static str,
    pub(super) label: &'static str,
    /// The contender that the others are compared with.
    pub(super) ours: &'static str,
}

/// The CPU time of each contender, and how it compares with ours, at each point.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) axis: Axis,
    /// The points.
    pub(super) labels: Vec<String>,
    pub(super) lines: Vec<Line>,
}

/// One contender.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: &'static str,
    /// The medians of the runs, in microseconds, by point.
    cpu: Vec<Vec<f64>>,
    /// How many times this contender ours costs, by point: the median of the rounds of each run.
    ours: Vec<Vec<f64>>,
}

impl Sweep {
    pub(super) fn new(axis: Axis, labels: Vec<String>) -> Self {
        Self { axis, labels, lines: Vec::new() }
    }

    /// Adds what a run has measured at a point.
    pub(super) fn add(&mut self, point: usize, outcome: &Outcome) -> Result<()> {
        for name in outcome.names() {
            let cpu = outcome.spread(name, CPU)?.median;
            let ratio = outcome.ratio(self.axis.ours, name, CPU)?.median;
            self.record(point, name, cpu, ratio);
        }
        Ok(())
    }

    pub(super) fn record(&mut self, point: usize, name: &'static str, cpu: f64, ratio: f64) {
        let index = self.lines.iter().position(|line| line.name == name).unwrap_or_else(|| {
            let empty = vec![Vec::new(); self.labels.len()];
            self.lines.push(Line { name, cpu: empty.clone(), ours: empty });
            self.lines.len() - 1
        });
        self.lines[index].cpu[point].push(cpu);
        self.lines[index].ours[point].push(ratio);
    }

    fn line(&self, name: &str) -> Result<&Line> {
        self.lines
            .iter()
            .find(|line| line.name == name)
            .ok_or_else(|| format!("no contender is called `{name}`").into())
    }

    /// The index of the point with this label.
    pub(super) fn point(&self, label: &str) -> Result<usize> {
        let point = self.labels.iter().position(|known| known == label);
        point.ok_or_else(|| format!("no point is called `{label}`").into())
    }

    /// The CPU time of a contender in microseconds, over the runs.
    pub(super) fn cpu(&self, name: &str, point: usize) -> Result<Spread> {
        over_runs(&self.line(name)?.cpu[point])
    }

    /// How many times a contender ours costs, over the runs.
    pub(super) fn ratio(&self, baseline: &str, point: usize) -> Result<Spread> {
        over_runs(&self.line(baseline)?.ours[point])
    }

    /// How much faster our cost grows than that of a contender from one point to another, over the runs: 1 if both grow alike. Ratios
    /// of interleaved rounds are compared, so that a slow minute does not count as growth.
    pub(super) fn growth(&self, baseline: &str, from: usize, to: usize) -> Result<Spread> {
        let ours = &self.line(baseline)?.ours;
        over_runs(&ours[from].iter().zip(&ours[to]).map(|(from, to)| to / from).collect::<Vec<_>>())
    }
}

fn over_runs(values: &[f64]) -> Result<Spread> {
    Spread::of(values.iter().copied()).ok_or_else(|| "there were no runs".into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Two contenders at two points in three runs.
    pub(in super::super) fn sweep(cpu: [[f64; 2]; 3]) -> Sweep {
        let axis = Axis { title: "Title", file: "chart.svg", label: "calls", ours: "ours" };
        let mut sweep = Sweep::new(axis, vec!["32".to_owned(), "2048".to_owned()]);
        for points in cpu {
            for (point, ours) in points.into_iter().enumerate() {
                sweep.record(point, "ours", ours, 1.0);
                sweep.record(point, "theirs", 10.0, ours / 10.0);
            }
        }
        sweep
    }

    #[test]
    fn a_figure_is_the_median_of_the_runs_and_the_worst_one_is_known() {
        let sweep = sweep([[10.0, 20.0], [11.0, 12.0], [40.0, 16.0]]);
        assert_eq!(sweep.cpu("ours", 0).unwrap(), Spread { median: 11.0, min: 10.0, max: 40.0 });
        assert_eq!(sweep.ratio("theirs", 1).unwrap(), Spread { median: 1.6, min: 1.2, max: 2.0 });
        assert!(sweep.cpu("unknown", 0).is_err() && sweep.point("7").is_err());
    }

    #[test]
    fn growth_is_that_of_a_run_relative_to_the_other_contender() {
        let sweep = sweep([[10.0, 20.0], [10.0, 11.0], [40.0, 20.0]]);
        let growth = sweep.growth("theirs", 0, 1).unwrap();
        assert_eq!((growth.min, growth.max), (0.5, 2.0));
        assert!((growth.median - 1.1).abs() < 1e-9);
    }
}
