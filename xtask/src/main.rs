//! `cargo xtask`: the workspace's only task runner. One file and one `run` per command; this one finds the command and
//! turns its result into an exit status.

mod api;
mod bench;
mod chaos;
mod ci;
mod coverage;
mod demo;
mod deps;
mod docs;
mod emulator;
mod failure;
mod flags;

mod interop;
mod lint;
mod manifest;
mod package;
mod process;
mod release;
mod rustdoc;
mod sdks;
mod soak;
mod standalone;
mod stopwatch;
mod test;
mod tidy;
mod tls;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use failure::{Failure, Result};

/// A command: its name, what it does in one line, and what runs it.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(Vec<OsString>) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command { name: "demo", about: "show every client at work against the emulator", run: demo::run },
    Command { name: "test", about: "run all tests of the workspace, doctests included", run: test::run },
    Command { name: "lint", about: "check format, clippy, documentation and feature sets", run: lint::run },
    Command { name: "tidy", about: "check the house rules that no compiler knows", run: tidy::run },
    Command { name: "deps", about: "check count, versions and licences of dependencies", run: deps::run },
    Command { name: "tls", about: "run clients with no, another and two TLS providers", run: tls::run },
    Command { name: "emulator", about: "start the emulator of the three services", run: emulator::run },
    Command { name: "coverage", about: "compare the clients with their services", run: coverage::run },
    Command { name: "interop", about: "run the official SDKs against the emulator", run: interop::run },
    Command { name: "chaos", about: "send messages over connections that are cut", run: chaos::run },
    Command { name: "soak", about: "send a million events through failing parts", run: soak::run },
    Command { name: "bench", about: "run a benchmark beside its baselines", run: bench::run },
    Command { name: "docs", about: "build the documentation as docs.rs does", run: docs::run },
    Command { name: "api", about: "write or check the public API as text", run: api::run },
    Command { name: "package", about: "pack the crates, build a program on each", run: package::run },
    Command { name: "release", about: "check and make a release of a crate", run: release::run },
    Command { name: "ci", about: "run every check there is, the fast ones first", run: ci::run },
];

fn main() -> ExitCode {
    if let Some(ran) = rustdoc::stand_in(std::env::args_os().skip(1)) {
        return ran.unwrap_or_else(|failure| told(&failure));
    }
    let mut args = std::env::args_os().skip(1);
    match dispatch(args.next(), args.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => told(&failure),
    }
}

fn told(failure: &Failure) -> ExitCode {
    eprintln!("error: {}", failure.text());
    ExitCode::from(failure.exit_status())
}

fn dispatch(name: Option<OsString>, args: Vec<OsString>) -> Result<()> {
    let Some(name) = name else {
        return Err(Failure::usage(format!("no command given\n\n{}", help())));
    };
    let name = name.to_string_lossy();
    if matches!(&*name, "--help" | "-h" | "help") {
        println!("{}", help());
        return Ok(());
    }
    let known = COMMANDS.iter().find(|command| command.name == name);
    let command = known.ok_or_else(|| {
        let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
        Failure::usage(format!("no command `{name}`; there are: {}", names.join(", ")))
    })?;
    (command.run)(args)
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND [ARGS..]\n\n");
    for Command { name, about, .. } in COMMANDS {
        text.push_str(&format!("  {name:<10} {about}\n"));
    }
    text.push_str("\n`cargo xtask COMMAND --help` tells more of one command.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Result<()> {
        let mut words = line.split_whitespace().map(OsString::from);
        dispatch(words.next(), words.collect())
    }

    #[test]
    fn an_unknown_command_exits_with_2_and_names_the_known_ones() {
        let failure = call("tset").unwrap_err();
        assert_eq!(failure.exit_status(), 2);
        let text = failure.text();
        assert!(text.contains("`tset`") && text.contains("test, lint"), "{text}");
    }

    #[test]
    fn no_command_exits_with_2_and_lists_every_command() {
        let failure = call("").unwrap_err();
        assert_eq!(failure.exit_status(), 2);
        for command in COMMANDS {
            assert!(failure.text().contains(command.about));
        }
    }

    /// All commands but those that hand every argument to another program.
    fn own() -> impl Iterator<Item = &'static Command> {
        COMMANDS.iter().filter(|command| !matches!(command.name, "demo" | "emulator"))
    }

    #[test]
    fn every_command_has_a_help_page() {
        for command in own() {
            call(&format!("{} --help", command.name)).unwrap();
        }
    }

    #[test]
    fn an_unknown_flag_exits_with_2_and_is_named() {
        for command in own() {
            let failure = call(&format!("{} --flga", command.name)).unwrap_err();
            assert_eq!(failure.exit_status(), 2, "{}", command.name);
            assert!(failure.text().contains("--flga"), "{}", command.name);
        }
    }
}
