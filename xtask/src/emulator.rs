//! `cargo xtask emulator`: the program `service-emulator` out of this checkout.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

/// Runs the emulator in our place, so that a signal to us ends it; all arguments are its own, `--help` too.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let mut command =
        process::cargo(["run", "--package", "service-emulator", "--bin", "service-emulator", "--"]);
    command.args(flags::passed_on(args));
    process::become_it(command)
}
