//! `cargo xtask bench`: the benchmarks of `tests/bench`, which this builds and starts, and the report of all of them.

mod contender;
mod peers;
mod report;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{flags, process, workspace};

const HELP: &str = "\
usage: cargo xtask bench [--peers]
       cargo xtask bench NAME [ARGS..]

Builds the benchmarks in release and runs all of them, each beside its baselines, and writes what they tell to
target/bench/report.md; or runs the one that is named. They tell medians and spreads, and fail when the median of a limit is
over it. ARGS go to the one as they are; `cargo xtask bench core --help` shows its own help.

  core       what a call of service-core costs beside the bare request, raw reqwest, raw hyper and azure_core's pipeline
  webpubsub  what a send costs beside raw reqwest with the same signature; client tokens a second
  webpubsub-client
             what a message received and a send acknowledged cost beside raw tokio-tungstenite; an idle client's memory
  eventgrid  what publishing, receiving and decoding costs beside raw reqwest and serde_json; the emulator's events a second

  --peers    sets our clients beside the official SDKs for JavaScript and Python too, which it installs in target/sdks;
             needs npm, node, python3 with venv, and their package registries";

/// Each is a program `bench-<name>`.
const NAMES: [&str; 4] = ["core", "webpubsub", "webpubsub-client", "eventgrid"];

/// Runs all benchmarks, or the one that is named.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match args.first().map(|first| first.to_string_lossy()) {
        Some(name) if !name.starts_with('-') => one(name_of(&name)?, args),
        _ => match flags::switches(args, ["peers"], HELP)? {
            Some([peers]) => all(peers),
            None => Ok(()),
        },
    }
}

/// Runs a benchmark in our place, so that its exit status is ours.
fn one(name: &str, mut args: Vec<OsString>) -> Result<()> {
    args.remove(0);
    build()?;
    let mut command = Command::new(program(&format!("bench-{name}"))?);
    command.args(flags::passed_on(args));
    process::become_it(command)
}

/// Runs every benchmark and writes the report, also of those that broke a limit.
fn all(peers: bool) -> Result<()> {
    build()?;
    let mut report = report::Report::new()?;
    let mut failures = Vec::new();
    for name in NAMES {
        let command = Command::new(program(&format!("bench-{name}"))?);
        let (lines, outcome) = process::run_and_keep(command, |_| true);
        report.add(name, &lines);
        failures.extend(outcome.err().map(|failure| failure.text().to_owned()));
    }
    if peers {
        report.add_peers(&peers::compare()?);
    }
    let path = report.write()?;
    println!("\nThe report is in {}", path.display());
    if failures.is_empty() { Ok(()) } else { Err(Failure::failed(failures.join("\n"))) }
}

fn build() -> Result<()> {
    process::run(process::cargo(["build", "--release", "--package", "workspace-bench", "--bins"]))
}

/// A program that has been built.
fn program(name: &str) -> Result<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace::target_directory()?.join("release").join(file))
}

fn name_of(given: &str) -> Result<&'static str> {
    let known = NAMES.into_iter().find(|known| given == *known);
    known.ok_or_else(|| Failure::usage(format!("no benchmark `{given}`; there are: {}", NAMES.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_benchmark_is_a_usage_error_that_names_the_known_ones() {
        let failure = run(vec!["cor".into()]).unwrap_err();
        assert_eq!(failure.exit_status(), 2);
        let text = failure.text();
        assert!(text.contains("`cor`") && text.contains("core, webpubsub"), "{text}");
        assert_eq!(name_of("core").unwrap(), "core");
    }
}
