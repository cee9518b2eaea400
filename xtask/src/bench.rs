//! `cargo xtask bench`: builds and runs the benchmarks of `tests/bench` and writes a report.

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

Builds the benchmarks in release and runs all of them, each with its baselines, and writes the results to
target/bench/report.md; or runs the given one. Prints medians and spreads, and fails if the median exceeds its limit. ARGS are
passed to the benchmark; `cargo xtask bench core --help` prints its help.

  core       a call of service-core compared with the bare request, raw reqwest, raw hyper, and azure_core's pipeline
  webpubsub  a send compared with raw reqwest with the same signature; client tokens per second
  webpubsub-client
             receiving and acknowledged sending compared with raw tokio-tungstenite; an idle client's memory
  eventgrid  publishing, receiving, and decoding compared with raw reqwest and serde_json; the emulator's events per second

  --peers    also compares with the official SDKs for JavaScript and Python, which it installs in target/sdks; needs npm,
             node, python3 with venv, and their package registries";

/// Each is a program `bench-<name>`.
const NAMES: [&str; 4] = ["core", "webpubsub", "webpubsub-client", "eventgrid"];

/// Runs all benchmarks or the given one.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match args.first().map(|first| first.to_string_lossy()) {
        Some(name) if !name.starts_with('-') => one(name_of(&name)?, args),
        Some(help) if matches!(&*help, "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            let [peers] = flags::switches(args, ["peers"])?;
            all(peers)
        }
    }
}

/// Replaces this process with a benchmark, so that its exit status is ours.
fn one(name: &str, mut args: Vec<OsString>) -> Result<()> {
    args.remove(0);
    build()?;
    let mut command = Command::new(program(&format!("bench-{name}"))?);
    command.args(flags::passed_on(args));
    process::exec(command)
}

/// Runs every benchmark and writes the report, including benchmarks that exceeded a limit.
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

/// The path of a built program.
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
