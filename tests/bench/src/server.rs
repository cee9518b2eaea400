//! The server under the load: a separate process, so that its CPU time is not the client's.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;

/// A running `bench-server`. It ends when this is dropped, or when this process ends in any other way.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts this `bench-server`.
    ///
    /// # Errors
    ///
    /// None there, or one that says no port.
    pub fn start(program: &Path) -> Result<Self> {
        Self::run(program, Command::new(program))
    }

    /// Starts the emulator in this `bench-server`.
    ///
    /// # Errors
    ///
    /// None there, or one that says no port.
    pub fn emulator(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("emulator");
        Self::run(program, command)
    }

    fn run(program: &Path, mut command: Command) -> Result<Self> {
        // It ends with its standard input, which is closed when we end.
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let child = child.map_err(|error| format!("{} could not be run: {error}", program.display()))?;
        let mut server = Self { child, port: 0 };
        let mut line = String::new();
        if let Some(output) = &mut server.child.stdout {
            BufReader::new(output).read_line(&mut line)?;
        }
        server.port = line.trim().parse().map_err(|_| format!("bench-server gave no port but {line:?}"))?;
        Ok(server)
    }

    /// `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The CPU time that it has used so far, if the system reports it (proc(5), `stat`).
    ///
    /// # Errors
    ///
    /// The system's text is not what it documents.
    pub fn cpu_time(&self) -> Result<Option<Duration>> {
        if !cfg!(target_os = "linux") {
            return Ok(None);
        }
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // After the name, which may contain anything: state, ten numbers, and then the two times in hundredths of a second.
        let (_, numbers) = stat.rsplit_once(')').ok_or("the name is missing")?;
        let ticks = numbers.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<std::result::Result<u64, _>>()?;
        Ok(Some(Duration::from_millis(ticks * 10)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends now; if it had ended before, that does not matter.
        let _ = self.child.wait();
    }
}

/// The `bench-server` in the directory of the running program.
///
/// # Errors
///
/// Fails if the system cannot report where the program is.
pub fn next_to_this_program() -> Result<PathBuf> {
    let name = format!("bench-server{}", std::env::consts::EXE_SUFFIX);
    Ok(std::env::current_exe()?.with_file_name(name))
}
