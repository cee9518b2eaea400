//! The emulator as a separate program, and programs that receive its address.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::failure::{Failure, Result};
use crate::{process, workspace};

/// A running emulator, which is killed on drop.
pub(super) struct Emulator {
    child: Child,
    /// The `NAME=value` lines that it prints.
    environment: Vec<(String, String)>,
}

impl Emulator {
    /// Starts the built program with these arguments and waits until it is ready.
    pub(super) fn start(args: &[&OsStr]) -> Result<Self> {
        let program = format!("debug/service-emulator{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(workspace::target_directory()?.join(program));
        // Its log would hide the report of the programs under test.
        command.args(["--log", "off"]).args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn();
        let child =
            child.map_err(|error| Failure::failed(format!("the emulator could not be started: {error}")))?;
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

    /// Adds an environment variable for the programs that run later.
    pub(super) fn with_env(mut self, name: &str, value: String) -> Self {
        self.environment.push((name.to_owned(), value));
        self
    }

    /// Runs a program with the emulator's address in its environment and returns its output.
    pub(super) fn read(&self, mut command: Command) -> Result<String> {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        process::read(command)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
