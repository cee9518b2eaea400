//! `cargo xtask test`: all tests of the workspace, with nextest if it is installed, and a last line with the number of
//! tests that passed and failed.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::process::Command;

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::process;
use crate::stopwatch::Stopwatch;
use crate::workspace::{self, Package};

pub(crate) const HELP: &str = "\
usage: cargo xtask test [--repeat N] [-p PKG].. [FILTER..]

Compiles and runs all tests with all features, including doctests: with cargo-nextest if it is installed, otherwise with
`cargo test`. The last line is `N passed, N failed`. Fails if a test fails or if no test ran.

  --repeat N       run the tests up to N times to find flaky ones; stops after the first run with a failure
  -p, --package P  test only this package; can be repeated
  FILTER..         run only tests with this in their name; options of the test runner follow `--`";

/// The parsed command line.
#[derive(Debug)]
struct Options {
    repeat: u32,
    packages: Vec<String>,
    filter: Vec<OsString>,
}

/// How many tests passed and failed.
#[derive(Debug, Default, PartialEq, Clone, Copy)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    fn and(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// Fails for runs that the runner calls a success although no test ran.
    fn check(self) -> Result<()> {
        match self {
            Self { passed: 0, failed: 0 } => Err(Failure::failed("no test ran")),
            Self { failed: 0, .. } => Ok(()),
            Self { failed, .. } => Err(Failure::failed(format!("{failed} tests failed"))),
        }
    }
}

fn parse(args: Vec<OsString>) -> Result<Options> {
    let mut options = Options { repeat: 1, packages: Vec::new(), filter: Vec::new() };
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("repeat") => options.repeat = parser.value()?.parse::<NonZeroU32>()?.get(),
            Short('p') | Long("package") => options.packages.push(parser.value()?.string()?),
            Value(word) => options.filter.push(word),
            other @ Long(_) | other @ Short(_) => return Err(other.unexpected().into()),
        }
    }
    Ok(options)
}

/// Runs the tests that the command line selects.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let options = parse(args)?;
    let packages = workspace::packages()?;
    if let Some(unknown) = options.packages.iter().find(|name| packages.iter().all(|p| p.name != **name)) {
        return Err(Failure::usage(format!("no package `{unknown}` in this workspace")));
    }
    let nextest = process::read(process::cargo(["nextest", "--version"])).is_ok();
    println!("== compiling the tests (all of them from scratch: about 3.5 minutes on 2 cores)");
    let watch = Stopwatch::start();
    // Separately, so that cargo shows its progress, and so that every round takes the same time.
    let runner: &[&str] =
        if nextest { &["nextest", "run", "--no-run", "--tests"] } else { &["test", "--no-run", "--tests"] };
    process::run(command(runner, &options.packages, &[]))?;
    println!("== compiled in {}", watch.read());
    let mut total = Tally::default();
    let result = (1..=options.repeat).try_for_each(|round| {
        println!("== running the tests, then the doctests (round {round} of {})", options.repeat);
        let (tally, result) = one_round(commands(&options, &packages, nextest));
        total = total.and(tally);
        result.and_then(|()| tally.check())
    });
    println!("{} passed, {} failed", total.passed, total.failed);
    result
}

/// Runs all commands, even after one of them has failed.
fn one_round(commands: Vec<Command>) -> (Tally, Result<()>) {
    commands.into_iter().fold((Tally::default(), Ok(())), |(tally, result), command| {
        let (summaries, outcome) = process::run_and_keep(command, |line| tally_of(line).is_some());
        let tallies = summaries.iter().filter_map(|line| tally_of(line));
        (tallies.fold(tally, Tally::and), result.and(outcome))
    })
}

/// The commands of one round. The examples are not built on their own: every one of them is a module of a test.
fn commands(options: &Options, packages: &[Package], nextest: bool) -> Vec<Command> {
    let all: &[&str] = if nextest {
        // A package without tests is not a failure: the sum shows whether any test ran.
        &["nextest", "run", "--tests", "--no-fail-fast", "--no-tests=pass"]
    } else {
        &["test", "--tests", "--no-fail-fast"]
    };
    let mut commands = vec![command(all, &options.packages, &options.filter)];
    // `cargo test --doc` rejects a package without a library; without any package it tests the whole workspace.
    let has_doctests = |name: &&String| packages.iter().any(|p| p.name == **name && p.doctests);
    let documented: Vec<_> = options.packages.iter().filter(has_doctests).cloned().collect();
    if documented.is_empty() == options.packages.is_empty() {
        commands.push(command(&["test", "--doc", "--no-fail-fast"], &documented, &options.filter));
    }
    commands
}

fn command(runner: &[&str], packages: &[String], filter: &[OsString]) -> Command {
    let mut command = process::cargo(runner);
    command.arg("--all-features");
    if packages.is_empty() {
        command.arg("--workspace");
    }
    for package in packages {
        command.args(["--package", package]);
    }
    if !filter.is_empty() {
        command.arg("--").args(filter);
    }
    command
}

/// Parses a runner's summary line; returns `None` for any other line.
fn tally_of(line: &str) -> Option<Tally> {
    // nextest repeats what a failed test printed, indented; libtest's own summary begins its line.
    if line.starts_with("test result: ") {
        return Some(Tally {
            passed: number_before(line, " passed")?,
            failed: number_before(line, " failed")?,
        });
    }
    let line = line.trim();
    if !line.starts_with("Summary [") {
        return None;
    }
    // nextest lists failures by kind (failed, timed out, leaky, not started), so count what did not pass.
    let ran = number_before(line, " tests run").or_else(|| number_before(line, " test run"))?;
    let passed = number_before(line, " passed").unwrap_or(0);
    Some(Tally { passed, failed: ran.saturating_sub(passed) })
}

/// Returns the number directly before `words` in `of`; the first of `3/7`, which nextest prints if it was interrupted.
fn number_before(of: &str, words: &str) -> Option<u64> {
    let (before, _) = of.split_once(words)?;
    let word = before.rsplit(' ').next()?;
    word.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    fn lines(line: &str, nextest: bool) -> Vec<String> {
        let packages = [
            Package { name: "core".into(), doctests: true, ..Package::default() },
            Package { name: "tool".into(), doctests: false, ..Package::default() },
        ];
        let args = |command: Command| {
            command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        commands(&options(line).unwrap(), &packages, nextest).into_iter().map(args).collect()
    }

    #[test]
    fn summaries_of_both_runners_are_read() {
        let of = |line| tally_of(line).map(|tally| (tally.passed, tally.failed));
        assert_eq!(of("     Summary [   0.005s] 2 tests run: 2 passed, 0 skipped"), Some((2, 0)));
        assert_eq!(of("Summary [ 0.1s] 1 test run: 1 passed, 3 skipped"), Some((1, 0)));
        assert_eq!(of("Summary [ 0.1s] 5 tests run: 2 passed (1 slow), 1 failed, 2 timed out"), Some((2, 3)));
        assert_eq!(of("Summary [ 0.1s] 3/7 tests run: 1 passed, 2 failed, 0 skipped"), Some((1, 2)));
        assert_eq!(of("Summary [ 0.1s] 1 test run: 0 passed, 1 failed, 0 skipped"), Some((0, 1)));
        assert_eq!(of("test result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured"), Some((4, 2)));
        assert_eq!(of("    test result: FAILED. 0 passed; 1 failed; 0 ignored"), None);
        assert_eq!(of("test summary ... ok"), None);
    }

    #[test]
    fn a_run_without_any_test_fails() {
        assert_eq!(Tally::default().check().unwrap_err().text(), "no test ran");
        assert!(Tally { passed: 1, failed: 0 }.check().is_ok());
        assert!(Tally { passed: 1, failed: 1 }.check().is_err());
    }

    #[test]
    fn nextest_is_followed_by_the_doctests_that_it_leaves_out() {
        let both = lines("-- name --exact", true);
        assert_eq!(both.len(), 2);
        assert!(both[0].starts_with("nextest run") && both[0].ends_with("--workspace -- name --exact"));
        assert!(both[1].starts_with("test --doc") && both[1].ends_with("--workspace -- name --exact"));
    }

    #[test]
    fn plain_cargo_test_runs_the_same_two_commands() {
        let both = lines("", false);
        assert_eq!(both.len(), 2);
        assert_eq!(both[0], "test --tests --no-fail-fast --all-features --workspace");
        assert_eq!(both[1], "test --doc --no-fail-fast --all-features --workspace");
    }

    #[test]
    fn doctests_are_run_only_for_packages_that_have_a_library() {
        let of_both = lines("-p tool -p core", true);
        assert_eq!(of_both[1], "test --doc --no-fail-fast --all-features --package core");
        assert_eq!(lines("-p tool", true).len(), 1);
    }

    #[test]
    fn a_repetition_that_is_not_at_least_one_is_a_usage_error() {
        for bad in ["0", "many", "-1"] {
            assert_eq!(options(&format!("--repeat={bad}")).unwrap_err().exit_status(), 2, "{bad}");
        }
        assert_eq!(options("--repeat 3").unwrap().repeat, 3);
    }

    #[test]
    fn an_unknown_package_is_a_usage_error() {
        let failure = run(vec!["--package=no-such-package".into()]).unwrap_err();
        assert_eq!((failure.exit_status(), failure.text().contains("no-such-package")), (2, true));
    }
}
