//! `cargo xtask api`: writes the public API of the published crates as text, so that reviewers see a change. A separate
//! package, `tests/api`, reads rustdoc's JSON, because it takes too long to build for the task runner.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process, rustdoc, workspace};

pub(crate) const HELP: &str = "\
usage: cargo xtask api [--check]

Writes the public API of each published crate, with all features, to its api.txt. Fails on types of other crates in it
that tests/api/src/foreign.rs does not allow. The text depends on the toolchain; use Rust 1.95.

  --check  write nothing; fail if an api.txt is out of date";

/// Writes or checks the texts for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let [check] = flags::switches(args, ["check"])?;
    texts(check)
}

/// Checks the texts.
pub(crate) fn check() -> Result<()> {
    texts(true)
}

fn texts(check: bool) -> Result<()> {
    // With the features of `cargo xtask lint`, so that its build of the dependencies is reused.
    let mut command = process::cargo(["doc", "--workspace", "--no-deps", "--all-features", "--quiet"]);
    rustdoc::use_unstable(&mut command, "-Z unstable-options --output-format json")?;
    process::run(command)?;
    let docs = workspace::target_directory()?.join("doc");
    let mut command = process::cargo(["run", "--quiet", "--package", "workspace-api", "--"]);
    command.args(check.then_some("--check"));
    for package in workspace::packages()?.iter().filter(|package| package.published) {
        let json = docs.join(package.name.replace('-', "_")).with_extension("json");
        command.arg(json).arg(format!("{}/api.txt", package.dir));
    }
    process::run(command)
}
