//! `cargo xtask bench core`: what the core adds to a request, and whether that is within its limits.

use std::process::ExitCode;

use workspace_bench::plan::Plan;
use workspace_bench::program::Program;

fn main() -> ExitCode {
    let program = Program {
        name: "core",
        about: "Compares a call of the core with the bare request, with raw reqwest and with azure_core's pipeline.",
        usual: Plan { rounds: 31, requests: 2048 },
        compare: workspace_bench::calls::compare,
    };
    program.run()
}
