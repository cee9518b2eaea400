//! rustdoc with the options that a stable one keeps locked: `doc(cfg)`, and its output as JSON. Apart, since this program
//! stands in for rustdoc then: were `RUSTC_BOOTSTRAP` set for cargo, build scripts would see it, and half of the
//! dependencies be built again at each change between the two.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::failure::{Failure, Result};

/// Set for the program that stands in: what it stands in for.
const STANDS_IN_FOR: &str = "XTASK_STANDS_IN_FOR";

/// Has a cargo command use the unlocked rustdoc, with these flags.
pub(crate) fn unlock(command: &mut Command, flags: &str) -> Result<()> {
    let me = std::env::current_exe().map_err(|error| Failure::failed(format!("rustdoc: {error}")))?;
    let real = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    command.env("RUSTDOC", me).env(STANDS_IN_FOR, real).env("RUSTDOCFLAGS", flags);
    Ok(())
}

/// Runs rustdoc when cargo started this program as such; gives whether it succeeded.
pub(crate) fn stand_in(args: impl Iterator<Item = OsString>) -> Option<Result<ExitCode>> {
    let real = std::env::var_os(STANDS_IN_FOR)?;
    let mut command = Command::new(real);
    command.args(args).env("RUSTC_BOOTSTRAP", "1").env_remove(STANDS_IN_FOR);
    let status = command.status().map_err(|error| Failure::failed(format!("rustdoc: {error}")));
    Some(status.map(|status| if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}
