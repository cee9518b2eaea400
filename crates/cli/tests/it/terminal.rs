//! The program on a terminal: tables, bold text, questions, and progress bars.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use service_emulator::{Emulator, Fault};

use crate::program::{PATH, Program};
use crate::words::words;

/// A program on a terminal.
pub(crate) struct OnTerminal {
    child: Child,
    terminal: File,
}

/// Which streams are the terminal. The others are empty.
#[derive(Clone, Copy, PartialEq)]
enum Streams {
    All,
    ErrorOnly,
}

impl OnTerminal {
    fn start(program: &Program, line: &str, streams: Streams) -> Self {
        let mut command = Command::new(PATH);
        command.args(words(line));
        Self::spawn(command, program, streams)
    }

    /// Starts a command line in a shell.
    pub(crate) fn shell(program: &Program, line: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        Self::spawn(command, program, Streams::All)
    }

    fn spawn(mut command: Command, program: &Program, streams: Streams) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        command.env_clear().envs(&program.environment).env("TERM", "xterm");
        command.stderr(pair.slave.try_clone().unwrap()).stdin(Stdio::null()).stdout(Stdio::null());
        if streams == Streams::All {
            command.stdin(pair.slave.try_clone().unwrap()).stdout(pair.slave.try_clone().unwrap());
        }
        let child = command.spawn().unwrap();
        // All copies of the program's end are closed here, so that the terminal ends with the program.
        Self { child, terminal: File::from(pair.master) }
    }

    /// Reads until a text appears, and returns everything up to its end.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&all).ends_with(text) {
            let length = self.terminal.read(&mut byte).unwrap_or(0);
            assert_eq!(length, 1, "the program ended without `{text}`: {}", String::from_utf8_lossy(&all));
            all.push(byte[0]);
        }
        String::from_utf8(all).unwrap()
    }

    fn interrupt(&self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGINT).unwrap();
    }

    fn type_line(&mut self, line: &str) {
        self.terminal.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits for the end, and returns the exit code and the rest of what was printed.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        let mut all = Vec::new();
        let mut part = [0; 1024];
        // The end of the terminal is an error on Linux.
        while let Ok(length @ 1..) = self.terminal.read(&mut part) {
            all.extend_from_slice(&part[..length]);
        }
        (self.child.wait().unwrap().code(), String::from_utf8(all).unwrap().replace("\r\n", "\n"))
    }
}

/// Runs a test that blocks while the emulator runs on the other threads.
pub(crate) async fn blocking<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(test).await.unwrap()
}

async fn start() -> (Emulator, Program) {
    let emulator = Emulator::start().await.unwrap();
    let program = Program::new(&emulator);
    (emulator, program)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_gets_tables_with_bold_headings_unless_no_color_is_set() {
    let (emulator, program) = start().await;
    emulator.hulft().add_sample_agents();
    blocking(move || {
        let list = |program: &Program| OnTerminal::start(program, "hulft agents list", Streams::All).finish();
        let (code, text) = list(&program);
        assert!(code == Some(0) && text.starts_with("\u{1b}[1mAGENT"), "{text:?}");
        let (code, text) = list(&program.with("NO_COLOR", "1"));
        assert!(code == Some(0) && text.starts_with("AGENT ") && !text.contains('\u{1b}'), "{text:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_on_a_terminal_and_only_yes_confirms_it() {
    let (emulator, program) = start().await;
    let line = "wps connections close --hub chat --all";
    blocking(move || {
        for (response, code) in [("n", 7), ("", 7), ("yes", 0), ("Y", 0)] {
            let before = emulator.requests().len();
            let mut close = OnTerminal::start(&program, line, Streams::All);
            assert_eq!(close.until("[y/N] "), "close all connections of the hub chat? [y/N] ");
            close.type_line(response);
            let (exit, text) = close.finish();
            assert_eq!(exit, Some(code), "{response}: {text}");
            assert_eq!(text.contains("not confirmed"), code == 7, "{text}");
            assert_eq!(emulator.requests().len() - before, usize::from(code == 0), "{response}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_shown_only_on_a_terminal() {
    let (emulator, program) = start().await;
    emulator.hulft().add_relay_logs(3_000);
    let line = "hulft logs --from 2020-01-01 --to 2030-01-01";
    let on_terminal = {
        let program = program.clone();
        blocking(move || OnTerminal::start(&program, line, Streams::ErrorOnly).finish()).await
    };
    assert_eq!(on_terminal.0, Some(0));
    assert!(on_terminal.1.contains("transfers"), "{on_terminal:?}");
    assert_eq!(program.run(line).await.err, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_log_and_reports_how_much_was_read() {
    let (emulator, program) = start().await;
    emulator.hulft().add_relay_logs(3_000);
    // The first request passes, and the second one gets no response.
    emulator.faults().push(Fault::delay(Duration::ZERO));
    emulator.faults().push(Fault::hang());
    let line = "hulft logs --from 2020-01-01 --to 2030-01-01";
    let (code, text) = blocking(move || {
        let mut logs = OnTerminal::start(&program, line, Streams::ErrorOnly);
        logs.until("1,000 of 3,000 transfers");
        logs.interrupt();
        logs.finish()
    })
    .await;
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("hubgrid: interrupted: 1000 of 3000 transfers were read"), "{text}");
}
