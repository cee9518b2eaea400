//! `cargo xtask bench webpubsub-client`: what the WebSocket client adds to its frames, and whether that is within its limits.

use std::process::ExitCode;

use workspace_bench::plan::Plan;
use workspace_bench::program::Program;

fn main() -> ExitCode {
    let program = Program {
        name: "webpubsub-client",
        about: "Compares receiving and acknowledged sending with raw tokio-tungstenite, and measures the memory of an idle client.",
        usual: Plan { rounds: 31, requests: 4096 },
        compare: workspace_bench::webpubsub_client::compare,
    };
    program.run()
}
