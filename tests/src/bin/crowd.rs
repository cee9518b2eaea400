//! `cargo run --release -p workspace-tests --bin crowd -- [PROGRAM]`: 10,000 WebSocket clients of an emulator in its own
//! process. Needs 10,100 file descriptors in each process: `ulimit -n 32768`.

use std::path::PathBuf;
use std::process::ExitCode;

use workspace_tests::crowd;

const SIZES: [usize; 3] = [100, 1_000, 10_000];

#[tokio::main]
async fn main() -> ExitCode {
    let program =
        std::env::args_os().nth(1).map_or_else(|| "target/release/service-emulator".into(), PathBuf::from);
    match crowd::run(&program, &SIZES).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("crowd: a figure is not as promised");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("crowd: {error}");
            ExitCode::FAILURE
        }
    }
}
