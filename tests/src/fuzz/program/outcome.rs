//! What libFuzzer printed about a run, as a line of the table.

use std::fmt;
use std::path::{Path, PathBuf};

pub(super) const HEADER: &str = "target                     executions    edges  features   inputs  crashes";

/// A run of one target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    name: String,
    executions: u64,
    edges: u64,
    features: u64,
    new_inputs: u64,
    pub(super) crash: Option<Crash>,
}

/// What a run ended with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crash {
    /// The input. `None` if the process died without writing it.
    file: Option<PathBuf>,
    /// The panic, or what libFuzzer says.
    reason: String,
}

impl Outcome {
    pub(super) fn read(name: &str, log: &str, succeeded: bool) -> Self {
        let mut outcome = Self { name: name.to_owned(), ..Self::default() };
        let number = |text: &str| text.trim().parse().unwrap_or_default();
        for line in log.lines() {
            if let Some((_, executions)) = line.split_once("stat::number_of_executed_units:") {
                outcome.executions = number(executions);
            } else if let Some((_, units)) = line.split_once("stat::new_units_added:") {
                outcome.new_inputs = number(units);
            } else if line.starts_with('#') {
                let words: Vec<_> = line.split_whitespace().collect();
                let after =
                    |label: &str| words.windows(2).find(|pair| pair[0] == label).map(|pair| number(pair[1]));
                outcome.edges = after("cov:").unwrap_or(outcome.edges);
                outcome.features = after("ft:").unwrap_or(outcome.features);
            }
        }
        outcome.crash = (!succeeded).then(|| Crash::read(log));
        outcome
    }
}

impl Crash {
    fn read(log: &str) -> Self {
        let file = log
            .lines()
            .find_map(|line| line.split_once("Test unit written to ").map(|(_, path)| path.trim().into()));
        let mut lines = log.lines();
        let panic = lines.find(|line| line.starts_with("thread ") && line.contains("panicked at"));
        let said = || log.lines().find(|line| line.starts_with("==") && line.contains("ERROR: "));
        let reason = match panic {
            Some(place) => format!("{place} {}", lines.next().unwrap_or_default()),
            None => said().or_else(|| log.lines().last()).unwrap_or_default().to_owned(),
        };
        Self { file, reason }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, executions, edges, features, new_inputs, crash } = self;
        let crashes = u8::from(crash.is_some());
        write!(f, "{name:<24} {executions:>12} {edges:>8} {features:>9} {new_inputs:>8} {crashes:>8}")
    }
}

/// The commands, and the line for a unit test.
pub(super) fn how_to_reproduce(target: &str, crash: &Crash) -> String {
    let mut text = format!("\n{target}: {}\n", crash.reason);
    let Some(file) = &crash.file else { return text };
    text.push_str(&format!("  cargo xtask fuzz {target} {}\n", file.display()));
    text.push_str(&format!("  unit test: {}\n", line_for_test(target, file)));
    text
}

fn line_for_test(target: &str, file: &Path) -> String {
    match std::fs::read(file) {
        Ok(bytes) if bytes.len() <= 300 => format!("fuzz::run(\"{target}\", b\"{}\");", bytes.escape_ascii()),
        _ => format!("copy the input to tests/fuzz/corpus/{target}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "INFO: Running with entropic power schedule\n\
        #2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #512\tpulse  cov: 90 ft: 260 corp: 40/1b lim: 8 exec/s: 100 rss: 31Mb\n\
        #900\tDONE   cov: 100 ft: 300 corp: 50/2Kb lim: 8 exec/s: 100 rss: 31Mb\n\
        stat::number_of_executed_units: 900\nstat::new_units_added:          49\n";

    #[test]
    fn executions_and_coverage_are_those_of_the_last_line() {
        let outcome = Outcome::read("receive", LOG, true);
        assert_eq!(
            (outcome.executions, outcome.edges, outcome.features, outcome.new_inputs),
            (900, 100, 300, 49)
        );
        assert_eq!(outcome.crash, None);
        assert_eq!(outcome.to_string().len(), HEADER.len());
    }

    #[test]
    fn a_crash_names_its_panic_and_its_input() {
        let log = "thread '<unnamed>' (7) panicked at tests/src/fuzz/receive.rs:1:2:\nan event was lost\n\
            ==7== ERROR: libFuzzer: deadly signal\n\
            artifact_prefix='x/'; Test unit written to target/fuzz/artifacts/receive/crash-0\n";
        let crash = Outcome::read("receive", log, false).crash.unwrap();
        let text = how_to_reproduce("receive", &crash);
        assert!(text.contains("receive.rs:1:2: an event was lost"), "{text}");
        assert!(text.contains("cargo xtask fuzz receive target/fuzz/artifacts/receive/crash-0"), "{text}");
        let slow =
            Outcome::read("receive", "==7== ERROR: libFuzzer: timeout after 25 seconds\nSUMMARY", false);
        assert!(slow.crash.unwrap().reason.contains("timeout after 25 seconds"));
    }
}
