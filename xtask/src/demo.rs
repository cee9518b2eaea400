//! `cargo xtask demo`: the program that shows every client at work, in `tests/src/bin/demo.rs`.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::failure::Result;
use crate::{flags, process};

/// Runs the demo in our place; all arguments are its own, `--help` too.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let mut command = demo();
    command.args(flags::passed_on(args));
    process::become_it(command)
}

/// Runs the demo as a check: nobody is there to answer it.
pub(crate) fn check() -> Result<()> {
    let mut command = demo();
    command.stdin(Stdio::null());
    process::run(command)
}

fn demo() -> Command {
    process::cargo(["run", "--package", "workspace-tests", "--bin", "demo", "--"])
}
