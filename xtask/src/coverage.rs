//! `cargo xtask coverage`: which operations of its service each client has, by the program in `tests/src/bin/coverage.rs`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::process;

const HELP: &str = "\
usage: cargo xtask coverage [FILE.json ..]

Compares the operations of the clients with documents of what the services have: OpenAPI 2 files, or lists like the one in
tests/data. The client that a document belongs to is known by the document's paths and title. Tells `N of M operations` and
each difference in name, method, path, query and statuses of success, and fails when there is one.

Without FILE: the list in tests/data, and the OpenAPI files in ../shared/specs/openapi as far as they are at hand.";

/// Runs the comparison for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match files(args)? {
        Some(files) => compare(files),
        None => Ok(()),
    }
}

/// Runs the comparison with the usual documents.
pub(crate) fn check() -> Result<()> {
    compare(Vec::new())
}

fn compare(files: Vec<PathBuf>) -> Result<()> {
    let mut command =
        process::cargo(["run", "--quiet", "--package", "workspace-tests", "--bin", "coverage", "--"]);
    command.args(files);
    process::run(command)
}

/// The files of a command line, as seen from where it was typed; `None` when the help page was asked for, and printed.
fn files(args: Vec<OsString>) -> Result<Option<Vec<PathBuf>>> {
    let mut files = Vec::new();
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            lexopt::Arg::Value(file) => {
                let absolute = std::path::absolute(&file);
                files.push(absolute.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?);
            }
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_for_where_the_command_was_typed() {
        let files = files(vec!["a.json".into()]).unwrap().unwrap();
        assert_eq!(files, [std::env::current_dir().unwrap().join("a.json")]);
    }
}
