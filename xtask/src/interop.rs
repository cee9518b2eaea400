//! `cargo xtask interop`: the official JavaScript and Python SDKs, unmodified, against the emulator. They say what their
//! services are like without knowing of our clients; the scripts are in `tests/interop`.

mod emulator;
mod table;
mod webhook;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{process, workspace};
use emulator::Emulator;
use table::Table;

const HELP: &str = "\
usage: cargo xtask interop NAME

Installs the official SDKs for JavaScript and Python in target/interop, starts the emulator, lets each SDK do every
operation that it has, checks the effects and prints a table; a failure in it fails the command. Needs npm, node, python3
with venv, and their package registries.

  eventgrid         @azure/eventgrid-namespaces and azure-eventgrid
  webhook           @azure/web-pubsub-express, which the emulator calls; there is none for Python
  webpubsub         @azure/web-pubsub and azure-messaging-webpubsubservice
  webpubsub-client  @azure/web-pubsub-client and azure-messaging-webpubsubclient";

const NAMES: [&str; 4] = ["eventgrid", WEBHOOK, "webpubsub", "webpubsub-client"];
const WEBHOOK: &str = "webhook";
/// The versions that the scripts are written for, and what they need besides.
const JAVASCRIPT: [&str; 7] = [
    "@azure/core-auth@1.10.1",
    "@azure/eventgrid-namespaces@1.0.0",
    "@azure/web-pubsub@1.2.0",
    "@azure/web-pubsub-client@1.1.0",
    "@azure/web-pubsub-express@1.1.0",
    "express@5.3.0",
    "ws@8.23.0",
];
const PYTHON: [&str; 4] = [
    "azure-eventgrid==4.22.1",
    "azure-messaging-webpubsubclient==1.1.0",
    "azure-messaging-webpubsubservice==1.3.0",
    "websocket-client==1.9.2",
];

/// Runs the scripts of a service.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let Some(name) = name_of(args)? else { return Ok(()) };
    let scratch = workspace::target_directory()?.join("interop");
    let python = install(&scratch)?;
    process::run(process::cargo([
        "build",
        "--quiet",
        "--package",
        "service-emulator",
        "--bin",
        "service-emulator",
    ]))?;
    let emulator = if name == WEBHOOK { webhook::start(&scratch)? } else { Emulator::start(&[])? };
    let mut table = Table::default();
    let mut javascript = Command::new("node");
    javascript.arg(format!("{name}.mjs"));
    table.add("JavaScript", &emulator.read(javascript, &scratch)?);
    if name != WEBHOOK {
        let mut command = Command::new(python);
        command.arg(format!("{name}.py"));
        table.add("Python", &emulator.read(command, &scratch)?);
    }
    print!("{table}");
    table.verdict()
}

/// Installs what is not installed, copies the scripts beside it, and gives the Python to run them with.
fn install(scratch: &Path) -> Result<PathBuf> {
    let told = |error: std::io::Error| Failure::failed(format!("{}: {error}", scratch.display()));
    fs::create_dir_all(scratch).map_err(told)?;
    let scripts = fs::read_dir(workspace::root().join("tests/interop")).map_err(told)?;
    for script in scripts.flatten() {
        fs::copy(script.path(), scratch.join(script.file_name())).map_err(told)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]).args(JAVASCRIPT);
    process::run(within(npm, scratch))?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "venv"]);
    process::run(within(venv, scratch))?;
    let python = scratch.join("venv").join(if cfg!(windows) { "Scripts/python" } else { "bin/python" });
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON);
    process::run(within(pip, scratch))?;
    Ok(python)
}

fn within(mut command: Command, directory: &Path) -> Command {
    command.current_dir(directory);
    command
}

/// Which service is named; `None` when the help page was asked for, and printed.
fn name_of(args: Vec<OsString>) -> Result<Option<&'static str>> {
    let there_are = format!("there are: {}", NAMES.join(", "));
    let mut parser = lexopt::Parser::from_args(args);
    let mut name = None;
    while let Some(arg) = parser.next()? {
        match arg {
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            lexopt::Arg::Value(given) if name.is_none() => {
                let known = NAMES.into_iter().find(|known| given == *known);
                let unknown = || format!("no service `{}`; {there_are}", given.to_string_lossy());
                name = Some(known.ok_or_else(|| Failure::usage(unknown()))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    name.map(Some).ok_or_else(|| Failure::usage(format!("no service given; {there_are}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_service_is_a_usage_error_that_names_the_known_ones() {
        for (given, told) in [(vec![], "no service given"), (vec!["hulft".into()], "`hulft`")] {
            let failure = name_of(given).unwrap_err();
            assert_eq!(failure.exit_status(), 2);
            assert!(failure.text().contains(told) && failure.text().contains("eventgrid, webhook"));
        }
        assert_eq!(name_of(vec!["webpubsub".into()]).unwrap(), Some("webpubsub"));
    }
}
