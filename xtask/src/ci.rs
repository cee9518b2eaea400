//! `cargo xtask ci`: runs every check, fast ones first, so that a failure appears early.

use std::ffi::OsString;

use crate::failure::{Failure, Result};
use crate::stopwatch::Stopwatch;
use crate::{api, coverage, demo, deps, flags, lint, test, tidy, tls};

pub(crate) const HELP: &str = "\
usage: cargo xtask ci [--skip-test]

Runs tidy, deps, tls, lint, api --check, test, coverage, and demo, each like the command of that name. Stops at the first
failure.

  --skip-test  skip `test`";

/// A check and its name.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: [Check; 8] = [
    ("tidy", tidy::check),
    ("deps", deps::check),
    ("tls", tls::check),
    ("lint", lint::check),
    ("api", api::check),
    ("test", test::check),
    ("coverage", coverage::check),
    ("demo", demo::check),
];

/// Runs the checks and prints a table of their times.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let [skip_test] = flags::switches(args, ["skip-test"])?;
    let checks: Vec<Check> = CHECKS.into_iter().filter(|(name, _)| !(skip_test && *name == "test")).collect();
    let mut table = Vec::new();
    let result = walk(&checks, &mut table);
    println!("\n== ci");
    for (name, took, outcome) in table {
        println!("{name:<6} {took:>12}  {outcome}");
    }
    result
}

/// Runs checks up to the first that fails, which is named in the failure.
fn walk(checks: &[Check], table: &mut Vec<(&'static str, String, &'static str)>) -> Result<()> {
    for (name, check) in checks {
        println!("\n== {name}");
        let watch = Stopwatch::start();
        let result = check();
        let outcome = if result.is_ok() { "passed" } else { "FAILED" };
        println!("== {name} {outcome} in {}", watch.read());
        table.push((name, watch.read(), outcome));
        result.map_err(|failure| Failure::failed(format!("check `{name}`: {}", failure.text())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine() -> Result<()> {
        Ok(())
    }

    fn broken() -> Result<()> {
        Err(Failure::failed("out of order"))
    }

    #[test]
    fn the_first_failure_ends_the_run_and_is_named() {
        let mut table = Vec::new();
        let checks: [Check; 3] = [("one", fine), ("two", broken), ("three", fine)];
        let failure = walk(&checks, &mut table).unwrap_err();
        assert_eq!(failure.text(), "check `two`: out of order");
        let outcomes: Vec<_> = table.iter().map(|(name, _, outcome)| (*name, *outcome)).collect();
        assert_eq!(outcomes, [("one", "passed"), ("two", "FAILED")]);
    }
}
