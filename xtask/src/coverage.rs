//! `cargo xtask coverage`: compares the operations of each client with those of its service, using the program in
//! `tests/src/bin/coverage.rs`.

use std::ffi::OsString;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{flags, process};

pub(crate) const HELP: &str = "\
usage: cargo xtask coverage [FILE.json ..]

Compares the operations of the clients with documents of the services: OpenAPI 2 files, or lists like the one in tests/data.
The paths and title of a document identify the client. Prints `N of M operations` and each difference in name, method, path,
query, and success statuses. Fails if there is a difference.

Without FILE, it compares the list in tests/data and, if they exist, the OpenAPI files in ../shared/specs/openapi.";

/// Runs the comparison for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    flags::are_known(&args, &[])?;
    let mut command = comparison();
    for file in args {
        // The program runs in the workspace root.
        let absolute = std::path::absolute(&file);
        command.arg(absolute.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?);
    }
    process::run(command)
}

/// Runs the comparison with the default documents.
pub(crate) fn check() -> Result<()> {
    process::run(comparison())
}

fn comparison() -> Command {
    process::cargo(["run", "--quiet", "--package", "workspace-tests", "--bin", "coverage", "--"])
}
