//! What every benchmark's program does around its comparison: the command line, the report, the exit status.

use std::path::Path;
use std::process::ExitCode;

use crate::plan::{FEWEST_ROUNDS, Plan};
use crate::report::Report;
use crate::{Result, server};

/// A benchmark as `cargo xtask bench` knows it.
pub struct Program {
    /// Its name there.
    pub name: &'static str,
    /// What it compares, in a sentence.
    pub about: &'static str,
    /// How much it measures unless the command line says otherwise.
    pub usual: Plan,
    /// Measures, against this `bench-server`.
    pub compare: fn(Plan, &Path) -> Result<Report>,
}

impl Program {
    /// Runs it for this process's command line.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self.usual.from_args(std::env::args_os().skip(1)) {
            Ok(Some(plan)) => self.run_and_print(plan).unwrap_or_else(|error| {
                eprintln!("bench-{}: {error}", self.name);
                ExitCode::FAILURE
            }),
            Ok(None) => {
                print!("{}", self.help());
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("bench-{0}: {error}\nTry `cargo xtask bench {0} --help`.", self.name);
                ExitCode::from(2)
            }
        }
    }

    fn run_and_print(&self, plan: Plan) -> Result<ExitCode> {
        let report = (self.compare)(plan, &server::next_to_this_program()?)?;
        println!("{report}");
        Ok(report.exit_code())
    }

    fn help(&self) -> String {
        let Self { name, about, usual: Plan { rounds, requests }, .. } = self;
        format!(
            "{about}\nExits with 1 when the median of a limit is over it.\n\n\
             Usage: cargo xtask bench {name} [OPTIONS]\n\n  \
             --rounds N     how often each contender has its turn, at least {FEWEST_ROUNDS} [default: {rounds}]\n  \
             --requests N   how many requests a turn over the network has [default: {requests}]\n  \
             -h, --help     this text\n"
        )
    }
}
