//! A program that takes turns on request: reads lines `TASK REQUESTS` and prints the CPU time of a request in
//! microseconds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::failure::{Failure, Result};

/// A running program, which is killed on drop.
pub(super) struct Contender {
    pub(super) name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Contender {
    /// Starts a program that finds `bench-server` at `origin`.
    pub(super) fn start(name: &'static str, mut command: Command, origin: &str) -> Result<Self> {
        command.env("BENCH_ORIGIN", origin).stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn().map_err(|error| Failure::failed(format!("{name}: {error}")))?;
        Self::of(name, started).ok_or_else(|| Failure::failed(format!("{name}: it has no pipes")))
    }

    fn of(name: &'static str, mut child: Child) -> Option<Self> {
        let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self { name, child, input, output })
    }

    /// Runs one turn.
    pub(super) fn turn(&mut self, task: &str, requests: u32) -> Result<f64> {
        let mut line = String::new();
        let exchanged =
            writeln!(self.input, "{task} {requests}").and_then(|()| self.output.read_line(&mut line));
        let failed = |what: &str| Failure::failed(format!("{}, {task}: {what}", self.name));
        exchanged.map_err(|error| failed(&error.to_string()))?;
        line.trim().parse().map_err(|_| failed("it printed no number; its error is above"))
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn shell(script: &str) -> Contender {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Contender::start("shell", command, "http://localhost:1").unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn a_turn_is_the_number_that_the_program_prints_for_its_line() {
        let mut contender = shell("while read task requests; do echo $requests.5; done");
        assert_eq!(contender.turn("send", 7).unwrap(), 7.5);
        assert_eq!(contender.turn("send", 8).unwrap(), 8.5);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_ends_early_fails_its_turn_and_is_named() {
        let failure = shell("read line").turn("send", 1).unwrap_err();
        assert!(failure.text().contains("shell, send"), "{}", failure.text());
    }
}
