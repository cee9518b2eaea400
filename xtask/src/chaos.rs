//! `cargo xtask chaos`: reliable messages over connections that are cut, in `tests/src/bin/long.rs`.

use std::ffi::OsString;

use crate::failure::Result;
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask chaos [--messages N] [--mean-bytes N] [--unrecoverable] [--seed N]

Builds in release. Four WebSocket clients publish over the reliable protocol and four subscribe, while the connections of
all of them are cut at random bytes. Exits non-zero unless every subscriber heard every message once, in order per publisher.

  --messages N     how many messages are published [default: 100000]
  --mean-bytes N   after how many bytes a connection is cut, on average [default: 8000]
  --unrecoverable  also cut some connections for good: every send must then end acknowledged or reported as unknown
  --seed N         where the random numbers start [default: 1]";

/// Runs the chaos in our place, in release.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    // Looked at before anything is built, which takes minutes.
    if !flags::are_known(&args, &["--messages", "--mean-bytes", "--unrecoverable", "--seed"], HELP)? {
        return Ok(());
    }
    let mut command =
        process::cargo(["run", "--release", "--package", "workspace-tests", "--bin", "long", "--", "chaos"]);
    command.args(args);
    process::become_it(command)
}
