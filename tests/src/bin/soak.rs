//! `cargo xtask soak eventgrid`: reads the arguments, runs the soak, prints the counts.

use std::process::ExitCode;

use lexopt::prelude::*;
use service_core::{BoxError, Clock, SystemClock};
use workspace_tests::soak::{Incidents, Options, run};

const HELP: &str = "\
Sends events through a sender, the emulator, and four processors while handlers fail, connections are cut, the service rejects and
fails, locks expire, and processors are dropped. Exits non-zero unless every event was handled or dead-lettered after ten
deliveries.

Usage: cargo xtask soak eventgrid [OPTIONS]

  --events N   how many events [default: 1000000]
  --seed N     the seed of the random number generator [default: 1]
  -h, --help   print this help
";

fn main() -> ExitCode {
    let options = match arguments() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("soak: {error}\nTry `cargo xtask soak --help`.");
            return ExitCode::from(2);
        }
    };
    run_and_print(options).unwrap_or_else(|error| {
        eprintln!("soak: {error}");
        ExitCode::FAILURE
    })
}

fn arguments() -> Result<Option<Options>, BoxError> {
    let mut options = Options { seed: 1, events: 1_000_000, processors: 4, poison: 500, mean_bytes: 1 << 20 };
    let mut parser = lexopt::Parser::from_env();
    let mut service = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Long("events") => options.events = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Value(name) if service.is_none() && name == "eventgrid" => service = Some(name),
            other => return Err(other.unexpected().into()),
        }
    }
    if service.is_none() {
        return Err("no service given; there is: eventgrid".into());
    }
    if options.events == 0 {
        return Err("--events 0: must be at least 1".into());
    }
    Ok(Some(options))
}

#[tokio::main]
async fn run_and_print(options: Options) -> Result<ExitCode, BoxError> {
    // One handler in a hundred panics on purpose; what the processor says about it is enough.
    std::panic::set_hook(Box::new(|_| {}));
    let clock = SystemClock::new();
    let started = clock.elapsed();
    let (judgement, incidents) = run(options).await?;
    let took = clock.elapsed().saturating_sub(started);
    let Incidents { cuts, storms, restarts, kills, lost_locks } = incidents;
    println!("seed {}, {} processors, {:.1} s", options.seed, options.processors, took.as_secs_f64());
    println!("connections cut              {:>10}  (by a reset: {})", cuts.total, cuts.resets);
    println!("storms of 429, 500 and 503   {storms:>10}");
    println!("processors restarted         {restarts:>10}  (killed: {kills})");
    println!("times that all locks ended   {lost_locks:>10}");
    println!("{judgement}");
    Ok(if judgement.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
