//! `cargo xtask docs`: builds the documentation of the published crates as docs.rs does.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process, rustdoc, workspace};

pub(crate) const HELP: &str = "\
usage: cargo xtask docs [--open]

Builds the documentation of the published crates with all features and marks each item that needs a feature, as docs.rs
does. Every warning is an error.

  --open  open it in a browser";

/// Builds the documentation.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let [open] = flags::switches(args, ["open"])?;
    let mut command = process::cargo(["doc", "--no-deps", "--all-features", "--lib"]);
    for package in workspace::packages()?.iter().filter(|package| package.published) {
        command.args(["--package", &package.name]);
    }
    if open {
        command.arg("--open");
    }
    rustdoc::use_unstable(&mut command, "--cfg docsrs -D warnings")?;
    process::run(command)
}
