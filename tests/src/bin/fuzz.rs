//! `cargo xtask fuzz`: parses the arguments, runs the targets, and prints a table.

use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use service_core::BoxError;
use workspace_tests::fuzz::program::{self, Options};

const HELP: &str = include_str!("../fuzz/help.txt");

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("fuzz: {error}\nTry `cargo xtask fuzz --help`.");
            return ExitCode::from(2);
        }
    };
    match program::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns `None` if help is requested.
fn options() -> Result<Option<Options>, BoxError> {
    let mut parser = lexopt::Parser::from_env();
    let (mut name, mut files, mut minutes, mut minimize) = (None, Vec::new(), 1.0_f64, false);
    let mut sanitizer = "none".to_owned();
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Long("minutes") => minutes = parser.value()?.parse()?,
            Long("minimize") => minimize = true,
            Long("sanitizer") => sanitizer = parser.value()?.string()?,
            Value(target) if name.is_none() => name = Some(target.string()?),
            Value(file) => files.push(std::path::absolute(file)?),
            other => return Err(other.unexpected().into()),
        }
    }
    if !(0.01..=10_000.0).contains(&minutes) {
        return Err(format!("--minutes {minutes}: must be 0.01 to 10000").into());
    }
    let (targets, time) = (Options::targets(name.as_deref())?, Duration::from_secs_f64(minutes * 60.0));
    Ok(Some(Options { targets, files, time, minimize, sanitizer }))
}
