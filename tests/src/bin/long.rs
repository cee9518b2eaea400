//! `cargo xtask chaos`, `endure`, `fleet`, and `soak`: parses the arguments, performs the run, and prints the counts.

use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use service_core::{BoxError, Clock, SystemClock};
use workspace_tests::cutter::Cuts;
use workspace_tests::{chaos, endure, fleet, soak};

const CHAOS: &str = include_str!("../chaos/help.txt");
const ENDURE: &str = include_str!("../endure/help.txt");
const FLEET: &str = include_str!("../fleet/help.txt");
const SOAK: &str = include_str!("../soak/help.txt");

/// What the command line requests.
enum Run {
    Chaos(chaos::Options),
    ChaosOfStreams(chaos::streams::Options),
    Endure(endure::Options),
    EndureService,
    Fleet(fleet::Options),
    Worker(lexopt::Parser),
    Soak(soak::Options),
    Help(&'static str),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let run = match arguments(&command) {
        Ok(run) => run,
        Err(error) => {
            eprintln!("{command}: {error}\nTry `cargo xtask {command} --help`.");
            return ExitCode::from(2);
        }
    };
    // Endurance causes so many failures that warnings would hide the rest.
    if !command.starts_with("endure") {
        log_warnings();
    }
    let outcome = match run {
        Run::Chaos(options) => report_chaos(options).await,
        Run::ChaosOfStreams(options) => report_chaos_of_streams(options).await,
        Run::Endure(options) => report_endure(options).await,
        Run::EndureService => endure::serve().await.map(|()| true),
        Run::Fleet(options) => report_fleet(options).await,
        Run::Worker(parser) => fleet::work(parser).await.map(|()| true),
        Run::Soak(options) => report_soak(options).await,
        Run::Help(text) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{command}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the warnings of clients and emulator, which explain a failure that occurs once in a hundred runs.
fn log_warnings() {
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
    subscriber.with_ansi(false).with_writer(std::io::stderr).init();
}

fn arguments(command: &str) -> Result<Run, BoxError> {
    let parser = lexopt::Parser::from_args(std::env::args_os().skip(2));
    match command {
        "chaos" => chaos_options(parser),
        "endure" => endure_options(parser),
        // The emulator of an endurance run, which the run starts.
        "endure-service" => Ok(Run::EndureService),
        "fleet" => fleet_options(parser),
        // A process of the fleet, which the fleet starts.
        "fleet-worker" => Ok(Run::Worker(parser)),
        "soak" => soak_options(parser),
        other => Err(format!("`{other}`: there are chaos, endure, fleet, and soak").into()),
    }
}

fn chaos_options(mut parser: lexopt::Parser) -> Result<Run, BoxError> {
    let mut options = chaos::Options { seed: 1, messages: 100_000, mean_bytes: 8_000, unrecoverable: false };
    let (mut messages, mut of_streams) = (None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Run::Help(CHAOS)),
            Long("streams") => of_streams = true,
            Long("messages") => messages = Some(parser.value()?.parse()?),
            Long("mean-bytes") => options.mean_bytes = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("unrecoverable") => options.unrecoverable = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if messages == Some(0) {
        return Err("--messages 0: must be at least 1".into());
    }
    let chaos::Options { seed, mean_bytes, unrecoverable, .. } = options;
    if of_streams {
        let parts = messages.unwrap_or(10_000);
        let options = chaos::streams::Options { seed, parts, streams: 200, mean_bytes, unrecoverable };
        return Ok(Run::ChaosOfStreams(options));
    }
    options.messages = messages.unwrap_or(options.messages);
    Ok(Run::Chaos(options))
}

fn endure_options(mut parser: lexopt::Parser) -> Result<Run, BoxError> {
    let (mut seed, mut minutes, mut plant) = (1, 30.0, None);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Run::Help(ENDURE)),
            Long("minutes") => minutes = parser.value()?.parse()?,
            Long("seed") => seed = parser.value()?.parse()?,
            Long("plant") => {
                plant = Some(match parser.value()?.to_str() {
                    Some("leak") => endure::Plant::Leak,
                    Some("loss") => endure::Plant::Loss,
                    Some("duplicate") => endure::Plant::Duplicate,
                    _ => return Err("--plant: there are leak, loss, and duplicate".into()),
                });
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if !(0.2..=10_000.0).contains(&minutes) {
        return Err(format!("--minutes {minutes}: must be 0.2 to 10000").into());
    }
    let length = endure::Length::Time(Duration::from_secs_f64(minutes * 60.0));
    let directory = Some("target/endure".into());
    Ok(Run::Endure(endure::Options { seed, length, sample: Duration::from_secs(1), plant, directory }))
}

fn fleet_options(mut parser: lexopt::Parser) -> Result<Run, BoxError> {
    let mut options = fleet::Options { seed: 1, events: 200_000, processes: 8, incidents: 200, plant: false };
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Run::Help(FLEET)),
            Long("events") => options.events = parser.value()?.parse()?,
            Long("processes") => options.processes = parser.value()?.parse()?,
            Long("incidents") => options.incidents = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("plant") => options.plant = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if options.events == 0 || options.processes == 0 {
        return Err("--events and --processes must be at least 1".into());
    }
    Ok(Run::Fleet(options))
}

fn soak_options(mut parser: lexopt::Parser) -> Result<Run, BoxError> {
    let mut options = soak::Options {
        seed: 1,
        events: 1_000_000,
        processors: 4,
        poison: 500,
        mean_bytes: 1 << 20,
        plant: false,
    };
    let mut service = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Run::Help(SOAK)),
            Long("events") => options.events = parser.value()?.parse()?,
            Long("plant") => options.plant = true,
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
    Ok(Run::Soak(options))
}

/// Returns the result of a run and its duration.
async fn timed<T>(run: impl Future<Output = Result<T, BoxError>>) -> Result<(T, Duration), BoxError> {
    let clock = SystemClock::new();
    let started = clock.elapsed();
    let result = run.await?;
    Ok((result, clock.elapsed().saturating_sub(started)))
}

async fn report_chaos(options: chaos::Options) -> Result<bool, BoxError> {
    let (report, took) = timed(chaos::run(options)).await?;
    let reported = report.reported;
    println!("seed {}, {:.1} s", options.seed, took.as_secs_f64());
    print_cuts(report.cuts);
    println!("connections lost for good  {:>10}  (subscribers')", report.disconnected);
    println!("published                  {:>10}", reported.sent);
    println!("  acknowledged             {:>10}", reported.acked);
    println!("  reported as unknown      {:>10}", reported.unknown);
    println!("  reported as not sent     {:>10}", reported.not_sent);
    println!("{}", report.heard);
    println!("{}", if report.holds() { "All as it must be." } else { "NOT as it must be." });
    Ok(report.holds())
}

async fn report_chaos_of_streams(options: chaos::streams::Options) -> Result<bool, BoxError> {
    let (report, took) = timed(chaos::streams::run(options)).await?;
    println!("seed {}, {:.1} s", options.seed, took.as_secs_f64());
    print_cuts(report.cuts);
    println!("connections lost for good  {:>10}  (writers')", report.losses);
    println!("streams not opened         {:>10}  (and replaced)", report.not_opened);
    println!("{}", report.tally);
    println!("{}", if report.holds() { "All as it must be." } else { "NOT as it must be." });
    Ok(report.holds())
}

fn print_cuts(cuts: Cuts) {
    println!("connections cut            {:>10}  ({} up, {} down)", cuts.total, cuts.up, cuts.down);
    println!("  in a handshake           {:>10}", cuts.in_handshake);
    println!("  during a recovery        {:>10}", cuts.in_recovery);
    println!("  by a reset               {:>10}", cuts.resets);
}

async fn report_endure(options: endure::Options) -> Result<bool, BoxError> {
    // Some handlers panic on purpose.
    std::panic::set_hook(Box::new(|_| {}));
    let (program, seed) = (std::env::current_exe()?, options.seed);
    let (report, took) = timed(endure::run(options, &program)).await?;
    let endure::Troubles { storms, socket_faults, jumps } = report.troubles;
    println!("seed {seed}, {:.1} s, {} samples", took.as_secs_f64(), report.samples);
    println!("WebSockets:");
    print_cuts(report.cuts[0]);
    println!("Requests:");
    print_cuts(report.cuts[1]);
    println!("storms of 429, 500 and 503 {storms:>10}");
    println!("faults of WebSockets       {socket_faults:>10}");
    println!("jumps of the clocks        {jumps:>10}");
    for line in &report.lines {
        println!("{line}");
    }
    println!("{:<44} {:>10} {:>10} {:>8}", "medians", "early", "late", "change");
    for growth in &report.growth {
        println!("{growth}");
    }
    let holds = report.accounts() && report.is_steady();
    println!("{}", if holds { "All as it must be." } else { "NOT as it must be." });
    Ok(holds)
}

async fn report_fleet(options: fleet::Options) -> Result<bool, BoxError> {
    let program = std::env::current_exe()?;
    let ((counts, incidents), took) = timed(fleet::run(options, &program)).await?;
    let fleet::Incidents { kills, stops, lost_locks, dead } = incidents;
    println!("seed {}, {} processes, {:.1} s", options.seed, options.processes, took.as_secs_f64());
    println!("processes killed             {kills:>10}");
    println!("processes stopped            {stops:>10}");
    println!("times that all locks ended   {lost_locks:>10}");
    println!("dead letters                 {dead:>10}  must be 0");
    println!("{counts}");
    let holds = counts.holds(u64::from(options.events)) && dead == 0;
    println!("{}", if holds { "All as it must be." } else { "NOT as it must be." });
    Ok(holds)
}

async fn report_soak(options: soak::Options) -> Result<bool, BoxError> {
    // One handler in a hundred panics on purpose; what the processor says about it is enough.
    std::panic::set_hook(Box::new(|_| {}));
    let ((judgement, incidents), took) = timed(soak::run(options)).await?;
    let soak::Incidents { cuts, storms, restarts, kills, lost_locks } = incidents;
    println!("seed {}, {} processors, {:.1} s", options.seed, options.processors, took.as_secs_f64());
    println!("connections cut              {:>10}  (by a reset: {})", cuts.total, cuts.resets);
    println!("storms of 429, 500 and 503   {storms:>10}");
    println!("processors restarted         {restarts:>10}  (killed: {kills})");
    println!("times that all locks ended   {lost_locks:>10}");
    println!("{judgement}");
    Ok(judgement.holds())
}
