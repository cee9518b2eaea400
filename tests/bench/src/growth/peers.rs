//! Our clients and the official SDKs for other languages, each in a process of its own, in turns. They are controlled by lines on
//! standard input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Options;
use crate::Result;
use crate::server::Server;
use crate::spread::Spread;

/// In the order of the contenders.
pub(super) const OURS: &str = "these crates";
pub(super) const JAVASCRIPT: &str = "JavaScript SDK";
pub(super) const PYTHON: &str = "Python SDK, asyncio";

/// Where the official SDKs are installed.
#[derive(Debug, Clone)]
pub struct Sdks {
    /// The folder with the packages for JavaScript and the scripts.
    pub folder: PathBuf,
    /// The interpreter that has the packages for Python.
    pub python: PathBuf,
}

/// What one request costs each client, in microseconds of CPU time, over the runs.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    requests: u32,
    /// The medians of the runs, of each contender.
    pub(super) cpu: [Vec<f64>; 3],
}

impl Task {
    pub(super) fn cpu(&self, contender: usize) -> Option<Spread> {
        Spread::of(self.cpu[contender].iter().copied())
    }

    /// How many times a contender our client costs, over the runs.
    pub(super) fn ratio(&self, contender: usize) -> Option<Spread> {
        let [ours, ..] = &self.cpu;
        Spread::of(ours.iter().zip(&self.cpu[contender]).map(|(ours, theirs)| ours / theirs))
    }
}

/// The tasks that every peer has.
fn tasks() -> [Task; 3] {
    let task = |name, about, requests| Task { name, about, requests, cpu: Default::default() };
    [
        task("send", "Web PubSub, send to all", 2048),
        task("publish", "Event Grid, publish 100 events", 128),
        task("receive", "Event Grid, receive and acknowledge 100 events", 128),
    ]
}

pub(super) fn compare(options: &Options, server: &Path, sdks: &Sdks) -> Result<Vec<Task>> {
    let ours = Command::new(server.with_file_name(format!("bench-peer{}", std::env::consts::EXE_SUFFIX)));
    let server = Server::start(server)?;
    let start = |mut command: Command, script: &str| {
        command.current_dir(&sdks.folder).env("BENCH_ORIGIN", server.origin());
        if !script.is_empty() {
            command.arg(script);
        }
        Peer::start(command)
    };
    let mut peers = [
        start(ours, "")?,
        start(Command::new("node"), "peer.mjs")?,
        start(Command::new(&sdks.python), "peer.py")?,
    ];
    let mut tasks = tasks();
    for run in 1..=options.runs {
        for task in &mut tasks {
            eprintln!("{}, SDKs: run {run} of {}", task.about, options.runs);
            let requests = task.requests.min(options.plan.requests);
            let mut turns = [(); 3].map(|()| Vec::new());
            for round in 0..=options.plan.rounds {
                for (peer, turns) in peers.iter_mut().zip(&mut turns) {
                    let took = peer.turn(task.name, requests)?;
                    // The first round warms up.
                    turns.extend((round > 0).then_some(took));
                }
            }
            for (cpu, turns) in task.cpu.iter_mut().zip(turns) {
                cpu.extend(Spread::of(turns).map(|spread| spread.median));
            }
        }
    }
    Ok(tasks.into())
}

/// A running client.
struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(mut command: Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{name} could not be run: {error}"))?;
        let output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { input: child.stdin.take(), output, child })
    }

    /// Runs a task so many times and returns the CPU time of a request in microseconds.
    fn turn(&mut self, task: &str, requests: u32) -> Result<f64> {
        let input = self.input.as_mut().ok_or("no standard input")?;
        writeln!(input, "{task} {requests}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.trim().parse().map_err(|_| format!("{task}: `{}` is not a number", line.trim()).into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A task that costs 20, 500 and 1,000 µs in each of three runs, except for the last one of ours.
    pub(in super::super) fn task(last: f64) -> Task {
        let [mut task, ..] = tasks();
        task.cpu = [vec![20.0, 20.0, last], vec![500.0; 3], vec![1000.0; 3]];
        task
    }

    #[test]
    fn ratios_are_those_of_a_run_and_the_worst_one_is_known() {
        let task = task(50.0);
        assert_eq!(task.cpu(0).unwrap(), Spread { median: 20.0, min: 20.0, max: 50.0 });
        assert_eq!(task.ratio(1).unwrap(), Spread { median: 0.04, min: 0.04, max: 0.1 });
    }

    #[cfg(unix)]
    #[test]
    fn a_peer_exchanges_lines_and_its_end_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "read task; echo 7.5"]);
        let mut peer = Peer::start(command).unwrap();
        assert_eq!(peer.turn("send", 1).unwrap(), 7.5);
        assert!(peer.turn("send", 1).is_err());
    }
}
