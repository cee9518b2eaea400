//! What `cargo xtask coverage` starts: compares the documents named on the command line, or the usual ones, with the clients.

use std::path::PathBuf;
use std::process::ExitCode;

use workspace_tests::coverage::{compare, compare_usual};

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let outcome = if files.is_empty() { compare_usual() } else { compare(&files) };
    print!("{}", outcome.text);
    if outcome.complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
