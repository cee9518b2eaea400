//! `cargo xtask emulator`: the program `service-emulator` out of this checkout.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask emulator [ARGS..]

Starts the emulator of the three services. It prints the connection settings as NAME=value lines, then `ready`, and
runs until it is told to end. ARGS go to it as they are; `cargo xtask emulator -- --help` shows its own help.";

/// Runs the emulator in our place, so that a signal to us ends it.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    if flags::wants_help(&args, HELP) {
        return Ok(());
    }
    let mut command =
        process::cargo(["run", "--package", "service-emulator", "--bin", "service-emulator", "--"]);
    command.args(flags::passed_on(args));
    process::become_it(command)
}
