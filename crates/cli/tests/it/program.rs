//! Runs the program, with pipes in place of a terminal.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use service_emulator::Emulator;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

pub(crate) const PATH: &str = env!("CARGO_BIN_EXE_hubgrid");

/// The program with its environment.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) environment: BTreeMap<String, String>,
}

/// What a run of the program printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Returns the values of the JSON lines of a successful run.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.lines()
    }

    /// Returns the values of the JSON lines.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Checks the exit code of a run that prints nothing on standard output, and returns its message.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!((self.code, &*self.out), (Some(code), ""), "{self:?}");
        self.err.trim_end()
    }

    /// Checks that a run succeeded and printed nothing.
    #[track_caller]
    pub(crate) fn is_silent(&self) {
        assert_eq!((self.code, &*self.out, &*self.err), (Some(0), "", ""), "{self:?}");
    }
}

impl Program {
    pub(crate) fn new(emulator: &Emulator) -> Self {
        let variables = emulator.environment().into_iter();
        let mut environment: BTreeMap<_, _> =
            variables.map(|(name, value)| (name.to_owned(), value)).collect();
        environment.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        Self { environment }
    }

    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        changed.environment.insert(name.to_owned(), value.to_owned());
        changed
    }

    pub(crate) async fn run(&self, line: &str) -> Run {
        self.run_with(line, "").await
    }

    /// Runs the program with this text on standard input.
    pub(crate) async fn run_with(&self, line: &str, input: &str) -> Run {
        let mut running = self.start(line);
        let mut stdin = running.stdin.take().unwrap();
        // Fails if the program ends without reading its input.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        running.finish().await
    }

    pub(crate) fn start(&self, line: &str) -> Running {
        let mut command = Command::new(PATH);
        command.args(crate::words::words(line)).env_clear().envs(&self.environment).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Running {
            stdin: child.stdin.take(),
            out: child.stdout.take().map(BufReader::new),
            err: child.stderr.take().map(BufReader::new),
            child,
        }
    }
}

/// A program that is running.
pub(crate) struct Running {
    pub(crate) stdin: Option<ChildStdin>,
    out: Option<BufReader<ChildStdout>>,
    err: Option<BufReader<ChildStderr>>,
    child: Child,
}

impl Running {
    /// Waits for the next line of standard output.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.as_mut().unwrap().read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Waits for the next line of standard output, which is JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let line = self.line().await;
        serde_json::from_str(&line).expect(&line)
    }

    /// Waits for a line of standard error that contains a text.
    pub(crate) async fn notice(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let length = self.err.as_mut().unwrap().read_line(&mut line).await.unwrap();
            assert!(length > 0, "the program ended without `{text}`: {all}");
            if line.contains(text) {
                return line.trim_end().to_owned();
            }
            all += &line;
        }
    }

    /// Closes the reading end of standard output.
    pub(crate) fn close_output(&mut self) {
        self.out = None;
    }

    /// Sends what Ctrl-C sends.
    pub(crate) fn interrupt(&self) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGINT).unwrap();
    }

    /// Waits for the end as [`finish`](Self::finish) does, and interrupts the program after this time.
    pub(crate) async fn finish_within(self, time: Duration) -> Run {
        let process = i32::try_from(self.child.id().unwrap()).unwrap();
        let finish = self.finish();
        tokio::pin!(finish);
        match service_core::timeout(&service_core::SystemClock::new(), time, &mut finish).await {
            Some(run) => run,
            None => {
                kill(Pid::from_raw(process), Signal::SIGINT).unwrap();
                finish.await
            }
        }
    }

    /// Waits for the end, and returns what was not read yet.
    pub(crate) async fn finish(mut self) -> Run {
        let (mut out, mut err) = (String::new(), String::new());
        let read_out = async {
            if let Some(reader) = &mut self.out {
                reader.read_to_string(&mut out).await.unwrap();
            }
        };
        let read_err = self.err.as_mut().unwrap().read_to_string(&mut err);
        let ((), read_err) = tokio::join!(read_out, read_err);
        read_err.unwrap();
        let code = self.child.wait().await.unwrap().code();
        Run { code, out, err }
    }
}

/// A directory for files of one test, which is removed at its end.
pub(crate) struct Directory(pub(crate) std::path::PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hubgrid-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file, and returns its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
