//! `cargo xtask chaos`: reliable messages over connections that are cut, in `tests/src/bin/chaos.rs`.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

/// Runs the chaos in our place, in release; all arguments are its own, `--help` too.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let mut command =
        process::cargo(["run", "--release", "--package", "workspace-tests", "--bin", "chaos", "--"]);
    command.args(flags::passed_on(args));
    process::become_it(command)
}
