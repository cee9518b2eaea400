//! Commands that only build and run a program of the workspace, such as `demo`, `emulator`, `chaos`, and `fuzz`.

use std::ffi::OsString;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{flags, process};

/// The help of the programs themselves, so that no build is needed for it.
pub(crate) const CHAOS_HELP: &str = include_str!("../../tests/src/chaos/help.txt");
pub(crate) const ENDURE_HELP: &str = include_str!("../../tests/src/endure/help.txt");
pub(crate) const FLEET_HELP: &str = include_str!("../../tests/src/fleet/help.txt");
pub(crate) const FUZZ_HELP: &str = include_str!("../../tests/src/fuzz/help.txt");
pub(crate) const SOAK_HELP: &str = include_str!("../../tests/src/soak/help.txt");

pub(crate) const COVERAGE_HELP: &str = "\
usage: cargo xtask coverage [FILE.json ..]

Compares the operations of the clients with documents of the services: OpenAPI 2 files, or lists like the one in tests/data.
The paths and title of a document identify the client. Prints `N of M operations` and each difference in name, method, path,
query, and success statuses. Fails if there is a difference.

Without FILE, it compares the list in tests/data and, if they exist, the OpenAPI files in ../shared/specs/openapi.";

/// Replaces this process with the demo; passes it all arguments, including `--help`.
pub(crate) fn demo(args: Vec<OsString>) -> Result<()> {
    exec(&["--package", "workspace-tests", "--bin", "demo", "--"], flags::passed_on(args))
}

/// Replaces this process with the emulator, so that signals reach it; passes it all arguments, including `--help`.
pub(crate) fn emulator(args: Vec<OsString>) -> Result<()> {
    exec(&["--package", "service-emulator", "--bin", "service-emulator", "--"], flags::passed_on(args))
}

/// Replaces this process with the program that runs the fuzz targets.
pub(crate) fn fuzz(args: Vec<OsString>) -> Result<()> {
    flags::are_known(&args, &["--minutes", "--minimize", "--sanitizer"])?;
    exec(&["--quiet", "--package", "workspace-tests", "--bin", "fuzz", "--"], args)
}

/// Replaces this process with a long test, in release. Its flags are those of its help.
pub(crate) fn long(name: &str, help: &str, args: Vec<OsString>) -> Result<()> {
    let words = help.split_whitespace().map(|word| word.trim_matches(['[', ']']));
    // Checked before the build, which takes minutes.
    flags::are_known(&args, &words.filter(|word| word.starts_with("--")).collect::<Vec<_>>())?;
    exec(&["--release", "--package", "workspace-tests", "--bin", "long", "--", name], args)
}

/// Compares the operations of each client with those of its service.
pub(crate) fn coverage(args: Vec<OsString>) -> Result<()> {
    flags::are_known(&args, &[])?;
    let mut command = program(&["--quiet", "--package", "workspace-tests", "--bin", "coverage", "--"]);
    for file in args {
        // The program runs in the workspace root.
        let absolute = std::path::absolute(&file);
        command.arg(absolute.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?);
    }
    process::run(command)
}

fn exec(options: &[&str], args: Vec<OsString>) -> Result<()> {
    let mut command = program(options);
    command.args(args);
    process::exec(command)
}

fn program(options: &[&str]) -> Command {
    process::cargo(["run"].iter().chain(options))
}
