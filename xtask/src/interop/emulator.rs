//! The emulator as a program beside ours, and programs that are told where it is.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::failure::{Failure, Result};
use crate::{process, workspace};

/// A running emulator, which ends with this value.
pub(super) struct Emulator {
    child: Child,
    /// What it says of itself, `NAME=value`.
    environment: Vec<(String, String)>,
}

impl Emulator {
    /// Starts the program that has been built before with these arguments, and waits until it is ready.
    pub(super) fn start(args: &[&OsStr]) -> Result<Self> {
        let program = format!("debug/service-emulator{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(workspace::target_directory()?.join(program));
        // The report of the programs under test is what is to be read.
        command.args(["--log", "off"]).args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn();
        let child =
            child.map_err(|error| Failure::failed(format!("the emulator cannot be started: {error}")))?;
        let mut emulator = Self { child, environment: Vec::new() };
        let output = emulator.child.stdout.take();
        for line in output
            .into_iter()
            .flat_map(|output| BufReader::new(output).lines())
            .map_while(std::result::Result::ok)
        {
            match line.split_once('=') {
                Some((name, value)) => emulator.environment.push((name.to_owned(), value.to_owned())),
                None if line == "ready" => return Ok(emulator),
                None => {}
            }
        }
        Err(Failure::failed("the emulator ended before it was ready"))
    }

    /// Tells one thing more to the programs that are to come.
    pub(super) fn tell(mut self, name: &str, value: String) -> Self {
        self.environment.push((name.to_owned(), value));
        self
    }

    /// Runs a program that finds the emulator by its environment, for what it writes.
    pub(super) fn read(&self, mut command: Command) -> Result<String> {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        process::read(command)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // One that has ended already cannot be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
