//! `cargo xtask soak`: sends events through every part for a long time, with `tests/src/bin/long.rs`.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

pub(crate) const HELP: &str = "\
usage: cargo xtask soak eventgrid [--events N] [--seed N]

Builds in release and sends events through a sender, the emulator, and four processors while handlers fail, connections are
cut, the service rejects and fails, locks expire, and processors are dropped. Exits non-zero unless every event was handled or
dead-lettered after ten deliveries.

  --events N  number of events [default: 1000000]
  --seed N    seed of the random number generator [default: 1]";

/// Replaces this process with the soak program, in release.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    // Checked before the build, which takes minutes.
    flags::are_known(&args, &["--events", "--seed"])?;
    let mut command =
        process::cargo(["run", "--release", "--package", "workspace-tests", "--bin", "long", "--", "soak"]);
    command.args(args);
    process::exec(command)
}
