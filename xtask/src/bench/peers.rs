//! Compares our clients with the official SDKs for other languages, each in a separate process, in turns.

use std::fmt::Write as _;
use std::process::Command;

use super::program;
use crate::failure::{Failure, Result};
use crate::process::Running;
use crate::sdks::Sdks;

/// Without the warm-up round.
const ROUNDS: usize = 9;

struct Task {
    name: &'static str,
    about: &'static str,
    requests: u32,
}

const TASKS: [Task; 3] = [
    Task { name: "send", about: "Web PubSub: send 1 KiB of text to all", requests: 2048 },
    Task { name: "publish", about: "Event Grid: publish 100 events of 1 KiB", requests: 128 },
    Task { name: "receive", about: "Event Grid: receive and acknowledge 100 events of 1 KiB", requests: 128 },
];

/// Measures and returns the table in Markdown.
pub(super) fn compare() -> Result<String> {
    let sdks = Sdks::with("tests/bench/peers")?;
    // Ends with its standard input.
    let mut server = Running::start(Command::new(program("bench-server")?))?;
    let origin = format!("http://127.0.0.1:{}", server.read_line()?);
    let mut contenders = [
        ("Rust, these crates", Command::new(program("bench-peer")?)),
        ("JavaScript", sdks.javascript("peer.mjs")),
        ("Python, asyncio", sdks.python("peer.py")),
    ]
    .map(|(name, mut command)| {
        command.env("BENCH_ORIGIN", &origin);
        (name, Running::start(command))
    });
    let mut rows = Vec::new();
    for task in &TASKS {
        let mut turns = vec![Vec::new(); contenders.len()];
        for round in 0..=ROUNDS {
            for ((name, contender), turns) in contenders.iter_mut().zip(&mut turns) {
                let took = turn(name, contender, task)?;
                if round > 0 {
                    turns.push(took);
                }
            }
        }
        eprintln!("{}: measured", task.about);
        rows.push((task.about, turns.iter_mut().map(|turns| median(turns)).collect()));
    }
    Ok(table(&contenders.each_ref().map(|(name, _)| *name), &rows))
}

/// Runs one turn of a contender: it reads `TASK REQUESTS` and prints the CPU time of a request in microseconds.
fn turn(name: &str, contender: &mut Result<Running>, task: &Task) -> Result<f64> {
    let failed = |what: &str| Failure::failed(format!("{name}, {}: {what}", task.name));
    let running = contender.as_mut().map_err(|failure| failed(failure.text()))?;
    let line = running
        .write_line(&format!("{} {}", task.name, task.requests))
        .and_then(|()| running.read_line())
        .map_err(|failure| failed(failure.text()))?;
    line.parse().map_err(|_| failed("it printed no number; its error is above"))
}

fn median(turns: &mut [f64]) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns.get(turns.len() / 2).copied().unwrap_or(f64::NAN)
}

fn table(names: &[&str], rows: &[(&str, Vec<f64>)]) -> String {
    let mut text = format!(
        "CPU time of the client process per request in µs, 32 in flight, median of {ROUNDS} rounds in turns; in brackets the\n\
         ratio to the first column.\n\n| |"
    );
    for name in names {
        let _ = write!(text, " {name} |");
    }
    let _ = write!(text, "\n|---|{}", "---:|".repeat(names.len()));
    for (about, medians) in rows {
        let _ = write!(text, "\n| {about} |");
        for (column, median) in medians.iter().enumerate() {
            let _ = match (column, medians.first()) {
                (0, _) | (_, None) => write!(text, " {median:.0} |"),
                (_, Some(ours)) => write!(text, " {median:.0} ({:.1}) |", median / ours),
            };
        }
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_sorted_turns() {
        assert_eq!(median(&mut [9.0, 1.0, 3.0]), 3.0);
    }

    #[test]
    fn each_cell_except_the_first_contains_its_ratio_to_the_first() {
        let table = table(&["ours", "theirs"], &[("send", vec![20.0, 50.0])]);
        assert!(
            table.ends_with("| | ours | theirs |\n|---|---:|---:|\n| send | 20 | 50 (2.5) |\n"),
            "{table}"
        );
    }
}
