//! `cargo xtask chaos`: sends reliable messages over connections that are cut, with `tests/src/bin/long.rs`.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

pub(crate) const HELP: &str = "\
usage: cargo xtask chaos [--messages N] [--mean-bytes N] [--unrecoverable] [--seed N]

Builds in release. Four WebSocket clients publish over the reliable protocol and four subscribe, while all connections are cut
at random bytes. Exits non-zero unless every subscriber received every message once, in order per publisher.

  --messages N     number of messages [default: 100000]
  --mean-bytes N   mean number of bytes after which a connection is cut [default: 8000]
  --unrecoverable  also make some connections unrecoverable: every send must be acknowledged or reported as unknown
  --seed N         seed of the random number generator [default: 1]";

/// Replaces this process with the chaos program, in release.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    // Checked before the build, which takes minutes.
    flags::are_known(&args, &["--messages", "--mean-bytes", "--unrecoverable", "--seed"])?;
    let mut command =
        process::cargo(["run", "--release", "--package", "workspace-tests", "--bin", "long", "--", "chaos"]);
    command.args(args);
    process::exec(command)
}
