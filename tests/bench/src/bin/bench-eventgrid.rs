//! `cargo xtask bench eventgrid`: what the client of this service adds to its requests, and whether that is within its limits.

use std::process::ExitCode;

use workspace_bench::plan::Plan;
use workspace_bench::program::Program;

fn main() -> ExitCode {
    let program = Program {
        name: "eventgrid",
        about: "Compares publishing and pulling 100 events with raw reqwest and serde_json, and decoding one; runs the emulator.",
        usual: Plan { rounds: 15, requests: 512 },
        compare: workspace_bench::eventgrid::compare,
    };
    program.run()
}
