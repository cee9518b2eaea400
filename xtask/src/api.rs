//! `cargo xtask api`: the public API of the published crates as text, so that a change of it is seen in review. What reads
//! rustdoc's JSON is the package in `tests/api`, since it takes longer to build than this program may.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process, rustdoc, workspace};

const HELP: &str = "\
usage: cargo xtask api [--check]

Writes the public API of each published crate, with all features, to its api.txt, and fails on types of other crates in it
that tests/api/src/foreign.rs does not allow. The text depends on the toolchain: it is made with Rust 1.95.

  --check  write nothing; fail where an api.txt is not what would be written";

/// Writes or checks the texts for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match flags::switches(args, ["check"], HELP)? {
        Some([check]) => texts(check),
        None => Ok(()),
    }
}

/// Checks the texts.
pub(crate) fn check() -> Result<()> {
    texts(true)
}

fn texts(check: bool) -> Result<()> {
    // With the features of `cargo xtask lint`, so that all dependencies are there after it.
    let mut command = process::cargo(["doc", "--workspace", "--no-deps", "--all-features", "--quiet"]);
    rustdoc::unlock(&mut command, "-Z unstable-options --output-format json")?;
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
