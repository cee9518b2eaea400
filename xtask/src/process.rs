//! Runs other programs, mainly cargo, and prints each command line before it runs.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Failure, Result};

/// The directory of the workspace.
pub(crate) fn root() -> PathBuf {
    // The run-time value first: the checkout may have moved since this program was built.
    let xtask = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&xtask).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// `cargo` with these arguments, run from the workspace root.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    // The cargo that started this program, so that a `+toolchain` applies to its commands.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// A program with these arguments, run from a directory.
pub(crate) fn program(name: impl AsRef<OsStr>, args: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(dir);
    command
}

/// Runs a program with inherited output.
pub(crate) fn run(mut command: Command) -> Result<()> {
    show(&command);
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    succeeded(&command, status)
}

/// Runs a program and returns its standard output; its standard error is part of the failure.
pub(crate) fn read(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(&command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(Failure::failed(format!("`{}`: {}\n{}", line_of(&command), output.status, error.trim_end())))
}

/// Replaces this process with a program, so that signals reach it and its exit status is ours. Elsewhere than on Unix, runs
/// it and exits with its status.
pub(crate) fn exec(mut command: Command) -> Result<()> {
    show(&command);
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    };
    Err(not_started(&command, &error))
}

/// Runs a program, prints its output as it appears, and returns the lines of both outputs that `keep` selects, and
/// whether it succeeded.
pub(crate) fn run_and_keep(mut command: Command, keep: fn(&str) -> bool) -> (Vec<String>, Result<()>) {
    show(&command);
    // Colors would be part of the lines.
    command.env("CARGO_TERM_COLOR", "never");
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

/// Converts a status to a failure that names the command.
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
    // Tests may write invalid UTF-8, so lines are bytes until one is kept.
    while source.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // A closed output stops the printing, not the run.
        let _ = show(&line);
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if keep(&text) {
            kept.push(text);
        }
        line.clear();
    }
    kept
}

/// The command line as typed in a shell.
fn line_of(command: &Command) -> String {
    // Without the directory of cargo, which is an absolute path.
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
    fn a_command_is_shown_as_typed_in_a_shell() {
        let command = cargo(["clippy", "-p", "core", "a b"]);
        assert_eq!(line_of(&command), "cargo clippy -p core \"a b\"");
    }

    #[test]
    fn a_line_on_standard_error_is_kept_and_the_failure_is_returned() {
        let (kept, result) =
            run_and_keep(cargo(["xtask-has-no-such-name"]), |line| line.contains("no such command"));
        assert!(result.is_err());
        assert_eq!(kept.len(), 1, "{kept:?}");
    }
}
