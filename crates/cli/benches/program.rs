//! Measures the program: how fast it publishes events from a file, compared with a program that publishes the same number of
//! events with the library alone, and how long it takes to print its help. Run it with `cargo bench -p hubgrid`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by them")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use eventgrid_namespaces::{Clock, CloudEvent, Sender, SystemClock};
use service_emulator::Emulator;

const EVENTS: u32 = 100_000;
const ROUNDS: usize = 7;
/// The same as the default of `publish`.
const CONCURRENCY: usize = 2;

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "library") {
        let sender = Sender::from_env("orders").unwrap();
        let sent = sender.send_all((0..EVENTS).map(event)).concurrency(CONCURRENCY).await;
        assert_eq!(sent.into_result().unwrap(), usize::try_from(EVENTS).unwrap());
        return;
    }
    let emulator = Emulator::start().await.unwrap();
    // Without a subscription, the emulator keeps no events.
    emulator.eventgrid().declare_topic("orders");
    tokio::task::spawn_blocking(move || measure(&emulator)).await.unwrap();
}

fn measure(emulator: &Emulator) {
    let path = std::env::temp_dir().join(format!("hubgrid-bench-{}.jsonl", std::process::id()));
    let lines = (0..EVENTS).map(|n| serde_json::to_string(&event(n)).unwrap() + "\n");
    std::fs::write(&path, lines.collect::<String>()).unwrap();
    let (mut programs, mut libraries, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let program = time(hubgrid(emulator).args(["eg", "publish", "--topic", "orders"]).arg(&path));
        let library = time(library(emulator).arg("library"));
        ratios.push(library.as_secs_f64() / program.as_secs_f64());
        programs.push(rate(program));
        libraries.push(rate(library));
    }
    std::fs::remove_file(Path::new(&path)).unwrap();
    let (program, library, ratio) = (median(programs), median(libraries), median(ratios));
    println!(
        "publish {EVENTS} events: hubgrid {program:.0}/s, library {library:.0}/s, ratio {ratio:.2} (at least 0.80)"
    );
    let starts = (0..3 * ROUNDS).map(|_| time(hubgrid(emulator).arg("--help")).as_secs_f64() * 1000.0);
    println!("start to --help: {:.1} ms (at most 20 ms)", median(starts.collect()));
}

fn event(n: u32) -> CloudEvent {
    let data =
        serde_json::json!({ "order": n, "customer": "example", "total": 5, "items": ["screws", "nails"] });
    CloudEvent::builder("/shop", "com.example.order.created").data_json(&data).build().unwrap()
}

fn hubgrid(emulator: &Emulator) -> Command {
    with_environment(Command::new(env!("CARGO_BIN_EXE_hubgrid")), emulator)
}

fn library(emulator: &Emulator) -> Command {
    with_environment(Command::new(std::env::current_exe().unwrap()), emulator)
}

fn with_environment(mut command: Command, emulator: &Emulator) -> Command {
    command.envs(emulator.environment()).stdout(Stdio::null()).stdin(Stdio::null());
    command
}

/// Returns the time from the start of a process to its end.
fn time(command: &mut Command) -> Duration {
    let clock = SystemClock::new();
    assert!(command.status().unwrap().success());
    clock.elapsed()
}

fn rate(took: Duration) -> f64 {
    f64::from(EVENTS) / took.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
