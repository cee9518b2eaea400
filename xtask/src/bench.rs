//! `cargo xtask bench`: builds and runs the benchmarks of `tests/bench` and writes a report.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::sdks::Sdks;
use crate::{flags, process, workspace};

pub(crate) const HELP: &str = "\
usage: cargo xtask bench [--quick] [--peers] [--readme]
       cargo xtask bench NAME [-- ARGS..]

Builds the benchmarks in release and runs all of them, each with its baselines, and writes the results to
target/bench/report.md, with charts next to it; or runs the given one. Prints medians and spreads, and fails if the median
exceeds its limit. ARGS are passed to the benchmark; `cargo xtask bench core -- --help` prints its help.

  core       a call of service-core compared with the bare request, raw reqwest, raw hyper, and azure_core's pipeline
  webpubsub  a send compared with raw reqwest with the same signature; client tokens per second
  webpubsub-client
             receiving and acknowledged sending compared with raw tokio-tungstenite; an idle client's memory
  eventgrid  publishing, receiving, and decoding compared with raw reqwest and serde_json; the emulator's events per second
  growth     how cost grows with calls in flight and with the size of bodies, batches, and messages; memory; all ratios

  --quick    fewer rounds, for rough figures
  --peers    also compares with the official SDKs for JavaScript and Python, which it installs in target/sdks; needs npm,
             node, python3 with venv, and their package registries
  --readme   replaces the figures in README.md; implies --peers";

/// Each is a program `bench-<name>`.
const NAMES: [&str; 5] = ["core", "webpubsub", "webpubsub-client", "eventgrid", GROWTH];
const GROWTH: &str = "growth";

/// Runs all benchmarks, or replaces this process with the given one, so that its exit status is ours.
pub(crate) fn run(mut args: Vec<OsString>) -> Result<()> {
    let name = args.first().map(|first| first.to_string_lossy().into_owned());
    let Some(name) = name.filter(|name| !name.starts_with('-')) else {
        let [quick, peers, readme] = flags::switches(args, ["quick", "peers", "readme"])?;
        return all(quick, peers, readme);
    };
    flags::one_of("benchmark", &name, &NAMES)?;
    build()?;
    let mut command = Command::new(program(&format!("bench-{name}"))?);
    command.args(flags::passed_on(args.split_off(1)));
    process::exec(command)
}

/// Runs every benchmark and writes the report, including benchmarks that exceeded a limit.
fn all(quick: bool, peers: bool, readme: bool) -> Result<()> {
    build()?;
    let mut report = heading()?;
    let directory = workspace::target_directory()?.join("bench");
    let mut command = Command::new(program("bench-growth")?);
    command.arg("--out").arg(&directory).args(quick.then_some("--quick"));
    if peers || readme {
        let sdks = Sdks::with("tests/bench/peers")?;
        command.arg("--sdks").args([sdks.folder, sdks.python]);
    }
    if readme {
        command.arg("--readme").arg(process::root().join("README.md"));
    }
    let mut failures = Vec::new();
    failures.extend(process::run(command).err().map(|failure| failure.to_string()));
    let growth = directory.join("growth.md");
    report += &part(GROWTH, GROWTH, &fs::read_to_string(&growth).map_err(Failure::at(growth.display()))?);
    for name in NAMES.into_iter().filter(|name| *name != GROWTH) {
        let mut command = Command::new(program(&format!("bench-{name}"))?);
        command.args(quick.then_some(["--rounds", "9"]).into_iter().flatten());
        let (lines, outcome) = process::run_and_keep(command, |_| true);
        report += &part(name, name, &format!("```text\n{}\n```\n", lines.join("\n").trim()));
        failures.extend(outcome.err().map(|failure| failure.to_string()));
    }
    let path = directory.join("report.md");
    fs::write(&path, report).map_err(Failure::at(path.display()))?;
    println!("\nThe report is in {}", path.display());
    Failure::all("", &failures)
}

/// The start of the report: the commit, compiler, and machine.
fn heading() -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let compiler = process::read(process::program("rustc", &["--version"], &process::root()))?;
    let git = process::program("git", &["describe", "--always", "--dirty"], &process::root());
    let source = process::read(git).map(|commit| format!("commit {}", commit.trim()));
    Ok(format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench` from {}, with {} in release, on {cores} cores ({}, {}).\n\n\
         Contenders take turns in the same minutes. Compare ratios: the times are those of one machine.\n",
        source.unwrap_or_else(|_| "a checkout without history".to_owned()),
        compiler.trim(),
        std::env::consts::OS,
        std::env::consts::ARCH
    ))
}

/// A part of the report, with the command that reproduces it.
fn part(title: &str, args: &str, text: &str) -> String {
    format!("\n## {title}\n\n`cargo xtask bench {args}`\n\n{text}")
}

fn build() -> Result<()> {
    process::run(process::cargo(["build", "--release", "--package", "workspace-bench*", "--bins"]))
}

/// The path of a built program.
fn program(name: &str) -> Result<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace::target_directory()?.join("release").join(file))
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
    }

    #[test]
    fn each_part_has_its_name_and_the_command_that_reproduces_it() {
        let text = part("core", "core", "```text\nfigures\n```\n");
        assert_eq!(text, "\n## core\n\n`cargo xtask bench core`\n\n```text\nfigures\n```\n");
    }
}
