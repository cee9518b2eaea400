//! `cargo xtask coverage`: which operations of its service each client has, by the program in `tests/src/bin/coverage.rs`.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask coverage

Compares the operations of the clients with the lists of tests/data, tells `N of M operations` and each difference, and fails
when there is one.";

/// Runs the comparison for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match flags::switches(args, [], HELP)? {
        Some([]) => check(),
        None => Ok(()),
    }
}

/// Runs the comparison.
pub(crate) fn check() -> Result<()> {
    process::run(process::cargo(["run", "--quiet", "--package", "workspace-tests", "--bin", "coverage"]))
}
