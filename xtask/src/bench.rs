//! `cargo xtask bench`: the benchmarks of `tests/bench`, which this only builds and starts.

use std::ffi::OsString;

use crate::failure::{Failure, Result};
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask bench NAME [ARGS..]

Builds a benchmark in release and runs it beside its baselines. It tells medians and spreads, and fails when the median of
a limit is over it. ARGS go to it as they are; `cargo xtask bench core --help` shows its own help.

  core       what a call of service-core costs beside the bare request, raw reqwest and azure_core's pipeline
  webpubsub  what a send costs beside raw reqwest with the same signature; client tokens a second
  webpubsub-client
             what a message received and a send acknowledged cost beside raw tokio-tungstenite; an idle client's memory
  eventgrid  what publishing, receiving and decoding costs beside raw reqwest and serde_json; the emulator's events a second";

/// Each is a program `bench-<name>`.
const NAMES: [&str; 4] = ["core", "webpubsub", "webpubsub-client", "eventgrid"];

/// Builds the benchmark and runs it in our place, so that its exit status is ours.
pub(crate) fn run(mut args: Vec<OsString>) -> Result<()> {
    if args.first().is_some_and(|first| first == "--help" || first == "-h") {
        println!("{HELP}");
        return Ok(());
    }
    let name = name_of(args.first())?;
    args.remove(0);
    // The server is a program of its own, which `cargo run` would not build.
    process::run(process::cargo(["build", "--release", "--package", "workspace-bench", "--bins"]))?;
    let program = format!("bench-{name}");
    let mut command = process::cargo([
        "run",
        "--release",
        "--quiet",
        "--package",
        "workspace-bench",
        "--bin",
        &program,
        "--",
    ]);
    command.args(flags::passed_on(args));
    process::become_it(command)
}

fn name_of(first: Option<&OsString>) -> Result<&'static str> {
    let there_are = format!("there are: {}", NAMES.join(", "));
    let Some(first) = first else { return Err(Failure::usage(format!("no benchmark given; {there_are}"))) };
    let known = NAMES.into_iter().find(|name| first == name);
    known.ok_or_else(|| Failure::usage(format!("no benchmark `{}`; {there_are}", first.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_benchmark_is_a_usage_error_that_names_the_known_ones() {
        for (given, told) in [(None, "no benchmark given"), (Some("cor"), "`cor`")] {
            let failure = name_of(given.map(OsString::from).as_ref()).unwrap_err();
            assert_eq!(failure.exit_status(), 2);
            let text = failure.text();
            assert!(text.contains(told) && text.contains("core"), "{text}");
        }
        assert_eq!(name_of(Some(&OsString::from("core"))).unwrap(), "core");
    }
}
