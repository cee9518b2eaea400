//! `cargo xtask ci`: runs every check, fast ones first, so that a failure appears early.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::stopwatch::Stopwatch;
use crate::{flags, process};

pub(crate) const HELP: &str = "\
usage: cargo xtask ci [--skip-test]

Runs tidy, deps --quick, tls, lint, api --check, test, coverage, and demo. Stops at the first failure.

  --skip-test  skip `test`";

/// The command lines, each run as its own process.
const CHECKS: [&str; 8] = ["tidy", "deps --quick", "tls", "lint", "api --check", "test", "coverage", "demo"];

/// Runs the checks and prints a table of their times.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let [skip_test] = flags::switches(args, ["skip-test"])?;
    let checks = CHECKS.into_iter().filter(|line| !(skip_test && *line == "test"));
    // Taken once: `test` may replace the file, and its path remains valid.
    let xtask = std::env::current_exe().map_err(Failure::at("xtask"))?;
    let mut table = Vec::new();
    let result = walk(checks, &mut table, |line| {
        let mut command = Command::new(&xtask);
        command.args(line.split(' ')).stdin(Stdio::null());
        process::run(command)
    });
    println!("\n== ci");
    for (name, took, outcome) in table {
        println!("{name:<12} {took:>12}  {outcome}");
    }
    result
}

/// Runs checks up to the first that fails, which is named in the failure.
fn walk<'a>(
    checks: impl IntoIterator<Item = &'a str>,
    table: &mut Vec<(&'a str, String, &'static str)>,
    check: impl Fn(&str) -> Result<()>,
) -> Result<()> {
    for name in checks {
        println!("\n== {name}");
        let watch = Stopwatch::start();
        let result = check(name);
        let outcome = if result.is_ok() { "passed" } else { "FAILED" };
        println!("== {name} {outcome} in {}", watch.read());
        table.push((name, watch.read(), outcome));
        result.map_err(Failure::at(format!("check `{name}`")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_ends_the_run_and_is_named() {
        let mut table = Vec::new();
        let check = |name: &str| if name == "two" { Err(Failure::failed("out of order")) } else { Ok(()) };
        let failure = walk(["one", "two", "three"], &mut table, check).unwrap_err();
        assert_eq!(failure.text(), "check `two`: out of order");
        let outcomes: Vec<_> = table.iter().map(|(name, _, outcome)| (*name, *outcome)).collect();
        assert_eq!(outcomes, [("one", "passed"), ("two", "FAILED")]);
    }
}
