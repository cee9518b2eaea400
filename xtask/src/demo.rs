//! `cargo xtask demo`: the program that shows every client at work, in `tests/src/bin/demo.rs`.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::failure::Result;
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask demo [ARGS..]

Runs the demo: every client against an emulator in the same process, no account needed.
ARGS go to the demo as they are, and its exit status comes back.
`cargo xtask demo -- --help` shows the demo's own help.";

/// Runs the demo in our place.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    if flags::wants_help(&args, HELP) {
        return Ok(());
    }
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
