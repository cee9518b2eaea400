//! `cargo xtask bench growth`: how the cost of the clients grows, as a report with charts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use workspace_bench::growth::{self, Options, Sdks};
use workspace_bench::{Result, server};

const HELP: &str = "\
Measures how the cost of the clients grows, and writes a report with charts. Exits with 1 if the cost of a call grows faster than
that of raw hyper from 32 to 2,048 calls in flight.

Usage: cargo xtask bench growth [OPTIONS]

  --quick            about a minute, with rough figures
  --runs N           how often everything is measured, at least 3 [default: 3]
  --out DIR          the directory of growth.md and its charts [default: target/bench]
  --sdks DIR PYTHON  where the official SDKs and the scripts are, and the interpreter that has those for Python
  --readme FILE      also replaces the figures of this file; needs --sdks
  -h, --help         this text
";

/// Fewer runs have no median that says anything.
const FEWEST_RUNS: u32 = 3;

/// What the command line asks for.
struct Arguments {
    options: Options,
    directory: PathBuf,
    sdks: Option<Sdks>,
    readme: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = match arguments() {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("bench-growth: {error}\nTry `cargo xtask bench growth -- --help`.");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("bench-growth: {error}");
        ExitCode::FAILURE
    })
}

fn run(Arguments { options, directory, sdks, readme }: &Arguments) -> Result<ExitCode> {
    let server = server::next_to_this_program()?;
    let growth = growth::run(options, &server, sdks.as_ref(), directory)?;
    if let Some(readme) = readme {
        growth::update(readme, &growth)?;
    }
    print!("{}", growth.text()?);
    println!("\nThe report is in {}", directory.join("growth.md").display());
    Ok(if growth.relative_growth()?.median <= 1.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn arguments() -> Result<Option<Arguments>> {
    let (mut quick, mut runs, mut directory) = (false, FEWEST_RUNS, PathBuf::from("target/bench"));
    let (mut sdks, mut readme) = (None, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("quick") => quick = true,
            Long("runs") => runs = parser.value()?.parse()?,
            Long("out") => directory = parser.value()?.into(),
            Long("sdks") => {
                let (folder, python) = (absolute(&parser.value()?)?, absolute(&parser.value()?)?);
                sdks = Some(Sdks { folder, python });
            }
            Long("readme") => readme = Some(parser.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    if runs < FEWEST_RUNS {
        return Err(format!("--runs {runs}: must be at least {FEWEST_RUNS}").into());
    }
    if readme.is_some() && sdks.is_none() {
        return Err("--readme: needs --sdks, because the figures include theirs".into());
    }
    let options = if quick { Options::quick() } else { Options::usual() };
    Ok(Some(Arguments { options: Options { runs, ..options }, directory, sdks, readme }))
}

/// The SDKs run in a folder of their own.
fn absolute(path: impl AsRef<Path>) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}
