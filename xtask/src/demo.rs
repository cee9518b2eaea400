//! `cargo xtask demo`: runs the demo of every client, `tests/src/bin/demo.rs`.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::failure::Result;
use crate::{flags, process};

/// Replaces this process with the demo; passes it all arguments, including `--help`.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let mut command = demo();
    command.args(flags::passed_on(args));
    process::exec(command)
}

/// Runs the demo as a check, without input.
pub(crate) fn check() -> Result<()> {
    let mut command = demo();
    command.stdin(Stdio::null());
    process::run(command)
}

fn demo() -> Command {
    process::cargo(["run", "--package", "workspace-tests", "--bin", "demo", "--"])
}
