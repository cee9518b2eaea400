//! How long a hello-world takes to build and how large it is: for information, since both depend on the machine.

use std::fs;
use std::process::Stdio;

use crate::failure::{Failure, Result};
use crate::hello::Hello;
use crate::stopwatch::Stopwatch;

/// Builds a hello-world in release from nothing and prints what that took; prints why where it cannot.
pub(super) fn print(hello: &Hello) {
    let what = if hello.is_example { "the example `hello`" } else { "a main that calls nothing" };
    match build(hello) {
        Ok((took, size)) => println!("{}: {took}, {size} KiB stripped ({what})", hello.name),
        Err(failure) => {
            println!("{}: not built ({what}): {}", hello.name, failure.text());
        }
    }
}

fn build(hello: &Hello) -> Result<(String, u64)> {
    let target = hello.dir.join("target");
    // Absent before the first build; where it cannot be taken away, the time is that of a smaller build.
    let _ = fs::remove_dir_all(&target);
    let mut command = hello.cargo(&["build", "--release", "--quiet"]);
    command.arg("--target-dir").arg(&target).stdin(Stdio::null());
    let watch = Stopwatch::start();
    let status = command.status().map_err(|error| Failure::failed(error.to_string()))?;
    let took = watch.read();
    if !status.success() {
        return Err(Failure::failed(format!("cargo build: {status}")));
    }
    let program = target.join("release").join(format!("{}{}", hello.name, std::env::consts::EXE_SUFFIX));
    let size = fs::metadata(&program).map_err(|error| Failure::failed(error.to_string()))?.len();
    Ok((took, size.div_ceil(1024)))
}
