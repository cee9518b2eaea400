//! `cargo xtask docs` and `cargo xtask api`: rustdoc with unstable options on a stable toolchain, for `doc(cfg)` and JSON
//! output. This program replaces rustdoc for that: if `RUSTC_BOOTSTRAP` were set for cargo, build scripts would see it, and
//! half of the dependencies would be rebuilt at each change between the two.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::failure::{Failure, Result};
use crate::{flags, process, workspace};

pub(crate) const HELP: &str = "\
usage: cargo xtask docs [--open]

Builds the documentation of the published crates with all features and marks each item that needs a feature, as docs.rs
does. Every warning is an error.

  --open  open it in a browser";

pub(crate) const API_HELP: &str = "\
usage: cargo xtask api [--check]

Writes the public API of each published crate, with all features, to its api.txt. Fails on types of other crates in it
that tests/api/src/foreign.rs does not allow. The text depends on the toolchain; use Rust 1.95.

  --check  write nothing; fail if an api.txt is out of date";

/// Set when this program replaces rustdoc: the path of the real one.
const REAL_RUSTDOC: &str = "XTASK_REAL_RUSTDOC";

/// Builds the documentation of the published crates as docs.rs does.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let [open] = flags::switches(args, ["open"])?;
    let mut command = process::cargo(["doc", "--no-deps", "--all-features", "--lib"]);
    for package in workspace::published()? {
        command.args(["--package", &package.name]);
    }
    command.args(open.then_some("--open"));
    document(command, "--cfg docsrs -D warnings")
}

/// Writes or checks the public API of the published crates as text, so that reviewers see a change. A separate package,
/// `tests/api`, reads rustdoc's JSON, because it takes too long to build for the task runner.
pub(crate) fn api(args: Vec<OsString>) -> Result<()> {
    let [check] = flags::switches(args, ["check"])?;
    // With the features of `cargo xtask lint`, so that its build of the dependencies is reused.
    let command = process::cargo(["doc", "--workspace", "--no-deps", "--all-features", "--quiet"]);
    document(command, "-Z unstable-options --output-format json")?;
    let docs = workspace::target_directory()?.join("doc");
    let mut command = process::cargo(["run", "--quiet", "--package", "workspace-api", "--"]);
    command.args(check.then_some("--check"));
    for package in workspace::published()? {
        let json = docs.join(package.name.replace('-', "_")).with_extension("json");
        command.arg(json).arg(format!("{}/api.txt", package.dir));
    }
    process::run(command)
}

/// Runs a cargo command with rustdoc replaced, which receives these flags.
fn document(mut command: Command, flags: &str) -> Result<()> {
    let me = std::env::current_exe().map_err(Failure::at("rustdoc"))?;
    let real = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    command.env("RUSTDOC", me).env(REAL_RUSTDOC, real).env("RUSTDOCFLAGS", flags);
    process::run(command)
}

/// Runs rustdoc if cargo started this program in its place, and returns its success.
pub(crate) fn replaced_rustdoc(args: impl Iterator<Item = OsString>) -> Option<Result<ExitCode>> {
    let real = std::env::var_os(REAL_RUSTDOC)?;
    let mut command = Command::new(real);
    command.args(args).env("RUSTC_BOOTSTRAP", "1").env_remove(REAL_RUSTDOC);
    let status = command.status().map_err(Failure::at("rustdoc"));
    Some(status.map(|status| if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}
