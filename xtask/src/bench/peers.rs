//! Compares our clients with the official SDKs for other languages, each in a separate process, in turns.

use std::fmt::Write as _;
use std::process::Command;

use super::contender::Contender;
use super::program;
use crate::failure::{Failure, Result};
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
    let (_server, origin) = Server::start()?;
    let mut contenders = [
        Contender::start("Rust, these crates", Command::new(program("bench-peer")?), &origin)?,
        Contender::start("JavaScript", sdks.javascript("peer.mjs"), &origin)?,
        Contender::start("Python, asyncio", sdks.python("peer.py"), &origin)?,
    ];
    let mut rows = Vec::new();
    for task in &TASKS {
        let mut turns = vec![Vec::new(); contenders.len()];
        for round in 0..=ROUNDS {
            for (contender, turns) in contenders.iter_mut().zip(&mut turns) {
                let took = contender.turn(task.name, task.requests)?;
                if round > 0 {
                    turns.push(took);
                }
            }
        }
        eprintln!("{}: measured", task.about);
        rows.push((task.about, turns.iter_mut().map(|turns| median(turns)).collect()));
    }
    Ok(table(&contenders.each_ref().map(|contender| contender.name), &rows))
}

/// The program `bench-server`, which ends with its standard input.
struct Server(std::process::Child);

impl Server {
    fn start() -> Result<(Self, String)> {
        use std::io::{BufRead as _, BufReader};
        use std::process::Stdio;

        let mut command = Command::new(program("bench-server")?);
        let failed = |error: std::io::Error| Failure::failed(format!("bench-server: {error}"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let (output, mut port) = (child.stdout.take(), String::new());
        let server = Self(child);
        if let Some(output) = output {
            BufReader::new(output).read_line(&mut port).map_err(failed)?;
        }
        let port: u16 =
            port.trim().parse().map_err(|_| Failure::failed("bench-server did not print its port"))?;
        Ok((server, format!("http://127.0.0.1:{port}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
