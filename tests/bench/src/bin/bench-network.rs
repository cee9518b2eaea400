//! Runs of the core that take too long for a test: `bench-network descriptors|memory|idle`.

use std::process::ExitCode;

use workspace_bench::{Result, network, server};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-network: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let server = server::next_to_this_program()?;
    let figures = match std::env::args().nth(1).as_deref() {
        Some("descriptors") => network::descriptors(&server, 2000, Some(256))?,
        Some("memory") => network::memory(&server, 100_000, 1_000_000)?,
        Some("idle") => network::idle(&network::Idle::default())?,
        _ => return Err("name a run: descriptors, memory, or idle".into()),
    };
    println!("{figures}");
    Ok(figures.is_within_limit())
}
