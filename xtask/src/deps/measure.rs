//! The build time and size of a hello-world program: for information, since both depend on the machine.

use std::fs;
use std::process::Stdio;

use crate::failure::{Failure, Result};
use crate::standalone::Standalone;
use crate::stopwatch::Stopwatch;

/// Builds a program in release from scratch and prints its build time and size, or why the build failed.
pub(super) fn print(hello: &Standalone) {
    match build(hello) {
        Ok((took, size)) => println!("{}: {took}, {size} KiB stripped", hello.name),
        Err(failure) => println!("{}: not built: {}", hello.name, failure.text()),
    }
}

fn build(hello: &Standalone) -> Result<(String, u64)> {
    let failed = |error: std::io::Error| Failure::failed(error.to_string());
    let target = hello.dir.join("target");
    // Missing before the first build. If it cannot be removed, the time is that of a partial build.
    let _ = fs::remove_dir_all(&target);
    let mut command = hello.cargo(&["build", "--release", "--quiet"]);
    command.arg("--target-dir").arg(&target).stdin(Stdio::null());
    let watch = Stopwatch::start();
    let status = command.status().map_err(failed)?;
    if !status.success() {
        return Err(Failure::failed(format!("cargo build: {status}")));
    }
    let took = watch.read();
    let program = target.join("release").join(format!("{}{}", hello.name, std::env::consts::EXE_SUFFIX));
    Ok((took, fs::metadata(&program).map_err(failed)?.len().div_ceil(1024)))
}
