//! Running of other programs, cargo above all: each is shown before it runs, from the workspace root.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use crate::failure::{Failure, Result};
use crate::workspace;

/// `cargo` with these arguments, to be run from the workspace root.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    // The cargo that started us, so that a `+toolchain` holds for what we start.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(workspace::root());
    command
}

/// Runs a program to its end, its output going where ours goes.
pub(crate) fn run(mut command: Command) -> Result<()> {
    show(&command);
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    succeeded(&command, status)
}

/// Runs a program for what it writes to its standard output; what it writes to the other is part of the failure.
pub(crate) fn read(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(&command, &error))?;
    match output {
        Output { status, stdout, .. } if status.success() => {
            Ok(String::from_utf8_lossy(&stdout).into_owned())
        }
        Output { status, stderr, .. } => {
            let told = String::from_utf8_lossy(&stderr);
            Err(Failure::failed(format!("`{}`: {status}\n{}", line_of(&command), told.trim_end())))
        }
    }
}

/// Runs a program in our place, so that its exit status is ours and a signal to us reaches it.
#[cfg(unix)]
pub(crate) fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    show(&command);
    let error = command.exec();
    Err(not_started(&command, &error))
}

/// Runs a program and ends with its exit status.
#[cfg(not(unix))]
pub(crate) fn become_it(mut command: Command) -> Result<()> {
    show(&command);
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    std::process::exit(status.code().unwrap_or(1));
}

/// Runs a program, shows all it writes while it writes, and gives the lines of both outputs that `keep` picks, without
/// colours, beside whether it succeeded.
pub(crate) fn run_and_keep(mut command: Command, keep: fn(&str) -> bool) -> (Vec<String>, Result<()>) {
    show(&command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return (Vec::new(), Err(not_started(&command, &error))),
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let kept = std::thread::scope(|scope| {
        let on_stderr = scope.spawn(move || copy(stderr, keep, |line| std::io::stderr().write_all(line)));
        let mut kept = copy(stdout, keep, |line| std::io::stdout().write_all(line));
        kept.extend(on_stderr.join().unwrap_or_default());
        kept
    });
    let status = child.wait().map_err(|error| not_started(&command, &error));
    (kept, status.and_then(|status| succeeded(&command, status)))
}

/// Turns a status into a failure that names the command.
fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(Failure::failed(format!("`{}`: {status}", line_of(command))))
}

fn copy(
    source: Option<impl Read>,
    keep: fn(&str) -> bool,
    show: impl Fn(&[u8]) -> std::io::Result<()>,
) -> Vec<String> {
    let mut kept = Vec::new();
    let Some(source) = source else { return kept };
    let (mut source, mut line) = (BufReader::new(source), Vec::new());
    // Tests may write what is no UTF-8, so the lines are bytes until one is to be kept.
    while source.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // A reader that has gone away ends the show, not the run.
        let _ = show(&line);
        let text = without_colours(&String::from_utf8_lossy(&line));
        if keep(&text) {
            kept.push(text);
        }
        line.clear();
    }
    kept
}

/// The line without terminal sequences (`ESC [ ... letter`), which `CARGO_TERM_COLOR=always` brings even into a pipe.
fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line.trim_end();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        rest = rest.get(1..).unwrap_or_default();
    }
    plain + rest
}

/// The command as a person would type it.
fn line_of(command: &Command) -> String {
    // Without its directory: cargo is started by the path that started us.
    let program = Path::new(command.get_program()).file_stem();
    let mut line = program.unwrap_or(command.get_program()).to_string_lossy().into_owned();
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        let plain = !arg.is_empty() && !arg.contains([' ', '\'', '"', '\t', '{']);
        line.push(' ');
        line.push_str(&if plain { arg.into_owned() } else { format!("{arg:?}") });
    }
    line
}

fn show(command: &Command) {
    eprintln!("$ {}", line_of(command));
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::failed(format!("`{}` could not be run: {error}", line_of(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out_of_a_line() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] \u{1b}[1m2\u{1b}[0m tests run\n";
        assert_eq!(without_colours(line), "     Summary [ 0.1s] 2 tests run");
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let command = cargo(["clippy", "-p", "core", "a b"]);
        assert_eq!(line_of(&command), "cargo clippy -p core \"a b\"");
    }

    #[test]
    fn a_line_on_the_error_output_is_kept_and_the_failure_is_told() {
        let (kept, result) =
            run_and_keep(cargo(["xtask-has-no-such-name"]), |line| line.contains("no such command"));
        assert!(result.is_err());
        assert_eq!(kept.len(), 1, "{kept:?}");
    }
}
