//! `cargo xtask ci`: every check in one go, the fast ones first, so that a failure shows early.

use std::ffi::OsString;

use crate::failure::{Failure, Result};
use crate::stopwatch::Stopwatch;
use crate::{api, coverage, demo, deps, flags, lint, test, tidy, tls};

const HELP: &str = "\
usage: cargo xtask ci [--skip-test]

Runs tidy, deps, tls, lint, api --check, test, coverage and demo, each as the command of that name does; the first failure
ends it.

  --skip-test  leave out `test`, for who has just run it";

/// A check by its name.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 8] = [
    ("tidy", tidy::check),
    ("deps", deps::check),
    ("tls", tls::check),
    ("lint", lint::check),
    ("api", api::check),
    ("test", test::check),
    ("coverage", coverage::check),
    ("demo", demo::check),
];

/// Runs the steps and ends with a table of how long each took.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let Some([skip_test]) = flags::switches(args, ["skip-test"], HELP)? else { return Ok(()) };
    let steps: Vec<Step> = STEPS.into_iter().filter(|(name, _)| !(skip_test && *name == "test")).collect();
    let mut table = Vec::new();
    let result = walk(&steps, &mut table);
    println!("\n== ci");
    for (name, took, verdict) in table {
        println!("{name:<6} {took:>12}  {verdict}");
    }
    result
}

/// Runs steps up to the first that fails, which the failure names.
fn walk(steps: &[Step], table: &mut Vec<(&'static str, String, &'static str)>) -> Result<()> {
    for (name, step) in steps {
        println!("\n== {name}");
        let watch = Stopwatch::start();
        let result = step();
        let verdict = if result.is_ok() { "passed" } else { "FAILED" };
        println!("== {name} {verdict} in {}", watch.read());
        table.push((name, watch.read(), verdict));
        result.map_err(|failure| Failure::failed(format!("step `{name}`: {}", failure.text())))?;
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
        let steps: [Step; 3] = [("one", fine), ("two", broken), ("three", fine)];
        let failure = walk(&steps, &mut table).unwrap_err();
        assert_eq!(failure.text(), "step `two`: out of order");
        let verdicts: Vec<_> = table.iter().map(|(name, _, verdict)| (*name, *verdict)).collect();
        assert_eq!(verdicts, [("one", "passed"), ("two", "FAILED")]);
    }

    #[test]
    fn a_run_without_failure_tells_the_time_of_every_step() {
        let mut table = Vec::new();
        walk(&[("one", fine), ("two", fine)], &mut table).unwrap();
        assert_eq!(table.len(), 2);
    }
}
