//! `cargo xtask soak`: the long run of events through every part, in `tests/src/bin/long.rs`.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask soak eventgrid [--events N] [--seed N]

Builds in release and sends events through sender, emulator and four processors while handlers fail, connections are cut,
the service refuses and fails, locks run out and processors are killed. Exits non-zero unless every event was handled, or
given up after ten deliveries.

  --events N  how many events [default: 1000000]
  --seed N    where the random numbers start [default: 1]";

/// Runs the soak in our place, in release.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    // Looked at before anything is built, which takes minutes.
    if !flags::are_known(&args, &["--events", "--seed"], HELP)? {
        return Ok(());
    }
    let mut command =
        process::cargo(["run", "--release", "--package", "workspace-tests", "--bin", "long", "--", "soak"]);
    command.args(args);
    process::become_it(command)
}
