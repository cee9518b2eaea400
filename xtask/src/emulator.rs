//! `cargo xtask emulator`: runs the program `service-emulator` from this checkout.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

/// Replaces this process with the emulator, so that signals reach it; passes it all arguments, including `--help`.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let mut command =
        process::cargo(["run", "--package", "service-emulator", "--bin", "service-emulator", "--"]);
    command.args(flags::passed_on(args));
    process::exec(command)
}
