//! `cargo xtask chaos`: reads the arguments, runs the chaos, prints the counts.

use std::process::ExitCode;

use lexopt::prelude::*;
use service_core::{BoxError, Clock, SystemClock};
use workspace_tests::chaos::{Options, run};

const HELP: &str = "\
Four WebSocket clients publish over the reliable protocol and four subscribe, while the connections of all of them are cut at
random bytes. Exits non-zero unless every subscriber heard every message once, in order per publisher.

Usage: cargo xtask chaos [OPTIONS]

  --messages N      how many messages are published [default: 100000]
  --mean-bytes N    after how many bytes a connection is cut, on average [default: 8000]
  --unrecoverable   also cut some connections for good: every send must then end acknowledged or reported as unknown
  --seed N          the seed of the random number generator [default: 1]
  -h, --help        this text
";

fn main() -> ExitCode {
    let options = match arguments() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("chaos: {error}\nTry `cargo xtask chaos --help`.");
            return ExitCode::from(2);
        }
    };
    run_and_print(options).unwrap_or_else(|error| {
        eprintln!("chaos: {error}");
        ExitCode::FAILURE
    })
}

fn arguments() -> Result<Option<Options>, BoxError> {
    let mut options = Options { seed: 1, messages: 100_000, mean_bytes: 8_000, unrecoverable: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Long("messages") => options.messages = parser.value()?.parse()?,
            Long("mean-bytes") => options.mean_bytes = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("unrecoverable") => options.unrecoverable = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if options.messages == 0 {
        return Err("--messages 0: must be at least 1".into());
    }
    Ok(Some(options))
}

#[tokio::main]
async fn run_and_print(options: Options) -> Result<ExitCode, BoxError> {
    let clock = SystemClock::new();
    let started = clock.elapsed();
    let report = run(options).await?;
    let took = clock.elapsed().saturating_sub(started);
    let (cuts, reported) = (report.cuts, report.reported);
    println!("seed {}, {:.1} s", options.seed, took.as_secs_f64());
    println!("connections cut            {:>10}  ({} up, {} down)", cuts.total, cuts.up, cuts.down);
    println!("  in a handshake           {:>10}", cuts.in_handshake);
    println!("  during a recovery        {:>10}", cuts.in_recovery);
    println!("  by a reset               {:>10}", cuts.resets);
    println!("connections lost for good  {:>10}  (subscribers')", report.disconnected);
    println!("published                  {:>10}", reported.sent);
    println!("  acknowledged             {:>10}", reported.acked);
    println!("  reported as unknown      {:>10}", reported.unknown);
    println!("  reported as not sent     {:>10}", reported.not_sent);
    println!("{}", report.heard);
    println!("{}", if report.holds() { "All as it must be." } else { "NOT as it must be." });
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
