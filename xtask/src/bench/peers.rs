//! Compares our clients with the official SDKs for other languages, each in a separate process, in turns.

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
    let contenders = [
        ("Rust, these crates", Command::new(program("bench-peer")?)),
        ("JavaScript", sdks.javascript("peer.mjs")),
        ("Python, asyncio", sdks.python("peer.py")),
    ];
    let names = contenders.each_ref().map(|(name, _)| *name);
    let start = |(_, mut command): (_, Command)| {
        command.env("BENCH_ORIGIN", &origin);
        Running::start(command)
    };
    let mut contenders = contenders.into_iter().map(start).collect::<Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    for task in &TASKS {
        let mut turns = vec![Vec::new(); contenders.len()];
        for round in 0..=ROUNDS {
            for (contender, turns) in contenders.iter_mut().zip(&mut turns) {
                let took = turn(contender, task)?;
                if round > 0 {
                    turns.push(took);
                }
            }
        }
        eprintln!("{}: measured", task.about);
        rows.push((task.about, turns.iter_mut().map(|turns| median(turns)).collect()));
    }
    Ok(table(&names, &rows))
}

/// Runs one turn of a contender: it reads `TASK REQUESTS` and prints the CPU time of a request in microseconds.
fn turn(contender: &mut Running, task: &Task) -> Result<f64> {
    contender.write_line(&format!("{} {}", task.name, task.requests))?;
    let line = contender.read_line()?;
    line.parse().map_err(|_| Failure::failed(format!("{}: `{line}` is not a number", task.name)))
}

fn median(turns: &mut [f64]) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns.get(turns.len() / 2).copied().unwrap_or(f64::NAN)
}

fn table(names: &[&str], rows: &[(&str, Vec<f64>)]) -> String {
    let mut text = format!(
        "CPU time of the client process per request in µs, 32 in flight, median of {ROUNDS} rounds in turns; in brackets the\n\
         ratio to the first column.\n\n| | {} |\n|---|{}\n",
        names.join(" | "),
        "---:|".repeat(names.len())
    );
    for (about, medians) in rows {
        let ours = medians.first().copied().unwrap_or(f64::NAN);
        let ratio = |(column, median): (usize, &f64)| match column {
            0 => format!("{median:.0}"),
            _ => format!("{median:.0} ({:.1})", median / ours),
        };
        let cells: Vec<_> = medians.iter().enumerate().map(ratio).collect();
        text += &format!("| {about} | {} |\n", cells.join(" | "));
    }
    text
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
        let expected = "| | ours | theirs |\n|---|---:|---:|\n| send | 20 | 50 (2.5) |\n";
        assert!(table.ends_with(expected), "{table}");
    }
}
