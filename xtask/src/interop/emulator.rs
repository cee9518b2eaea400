//! The emulator as a separate program, and programs that receive its address.

use std::ffi::OsStr;
use std::process::Command;

use crate::failure::Result;
use crate::process::{self, Running};
use crate::workspace;

/// A running emulator.
pub(super) struct Emulator {
    _running: Running,
    /// The `NAME=value` lines that it prints.
    environment: Vec<(String, String)>,
}

impl Emulator {
    /// Starts the built program with these arguments and waits until it is ready.
    pub(super) fn start(args: &[&OsStr]) -> Result<Self> {
        let program = format!("debug/service-emulator{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(workspace::target_directory()?.join(program));
        // Its log would hide the report of the programs under test.
        command.args(["--log", "off"]).args(args);
        let (mut running, mut environment) = (Running::start(command)?, Vec::new());
        loop {
            let line = running.read_line()?;
            match line.split_once('=') {
                Some((name, value)) => environment.push((name.to_owned(), value.to_owned())),
                None if line == "ready" => return Ok(Self { _running: running, environment }),
                None => {}
            }
        }
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
