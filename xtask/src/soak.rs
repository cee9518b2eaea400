//! `cargo xtask soak`: the long run of events through every part, in `tests/src/bin/soak.rs`.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

/// Runs the soak in our place, in release; all arguments are its own, `--help` too.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let mut command =
        process::cargo(["run", "--release", "--package", "workspace-tests", "--bin", "soak", "--"]);
    command.args(flags::passed_on(args));
    process::become_it(command)
}
