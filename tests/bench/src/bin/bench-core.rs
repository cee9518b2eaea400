//! `cargo xtask bench core`: what the core adds to a request, and whether that is within its limits.

use std::process::ExitCode;

use workspace_bench::plan::Plan;
use workspace_bench::{Result, calls, server};

const HELP: &str = "\
Compares a call of the core with the bare request, with raw reqwest and with azure_core's pipeline.
Exits with 1 when the median of a limit is over it.

Usage: cargo xtask bench core [OPTIONS]

  --rounds N     how often each contender has its turn, at least 9 [default: 31]
  --requests N   how many requests a turn over the network has [default: 2048]
  -h, --help     this text
";

fn main() -> ExitCode {
    let usual = Plan { rounds: 31, requests: 2048 };
    match usual.from_args(std::env::args_os().skip(1)) {
        Ok(Some(plan)) => told(plan).unwrap_or_else(|error| {
            eprintln!("bench-core: {error}");
            ExitCode::FAILURE
        }),
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-core: {error}\nTry `cargo xtask bench core --help`.");
            ExitCode::from(2)
        }
    }
}

fn told(plan: Plan) -> Result<ExitCode> {
    let report = calls::compare(plan, &server::beside_this_program()?)?;
    println!("{report}");
    Ok(report.exit_code())
}
