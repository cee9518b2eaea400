//! rustdoc with unstable options on a stable toolchain: `doc(cfg)` and JSON output. This program replaces rustdoc for that: if
//! `RUSTC_BOOTSTRAP` were set for cargo, build scripts would see it, and half of the dependencies would be rebuilt at each
//! change between the two.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::failure::{Failure, Result};

/// Set when this program replaces rustdoc: the path of the real one.
const REAL_RUSTDOC: &str = "XTASK_REAL_RUSTDOC";

/// Makes a cargo command use rustdoc with unstable options and these flags.
pub(crate) fn use_unstable(command: &mut Command, flags: &str) -> Result<()> {
    let me = std::env::current_exe().map_err(|error| Failure::failed(format!("rustdoc: {error}")))?;
    let real = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    command.env("RUSTDOC", me).env(REAL_RUSTDOC, real).env("RUSTDOCFLAGS", flags);
    Ok(())
}

/// Runs rustdoc if cargo started this program in its place, and returns its success.
pub(crate) fn replacement(args: impl Iterator<Item = OsString>) -> Option<Result<ExitCode>> {
    let real = std::env::var_os(REAL_RUSTDOC)?;
    let mut command = Command::new(real);
    command.args(args).env("RUSTC_BOOTSTRAP", "1").env_remove(REAL_RUSTDOC);
    let status = command.status().map_err(|error| Failure::failed(format!("rustdoc: {error}")));
    Some(status.map(|status| if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}
