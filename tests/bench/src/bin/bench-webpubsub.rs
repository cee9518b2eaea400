//! `cargo xtask bench webpubsub`: what the client of this service adds to its requests, and whether that is within its limits.

use std::process::ExitCode;

use workspace_bench::plan::Plan;
use workspace_bench::program::Program;

fn main() -> ExitCode {
    let program = Program {
        name: "webpubsub",
        about: "Compares a send to all of the hub's connections with raw reqwest that signs the same token, and makes client tokens.",
        usual: Plan { rounds: 31, requests: 2048 },
        compare: workspace_bench::webpubsub::compare,
    };
    program.run()
}
