//! `cargo xtask`: the workspace's only task runner. One file and one `run` per command; this file finds the command and
//! converts its result to an exit status.

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

/// A command: its name, a one-line description, its help, and its function. Commands without help handle `--help`.
struct Command {
    name: &'static str,
    about: &'static str,
    help: Option<&'static str>,
    run: fn(Vec<OsString>) -> Result<()>,
}

const fn command(
    name: &'static str,
    about: &'static str,
    help: Option<&'static str>,
    run: fn(Vec<OsString>) -> Result<()>,
) -> Command {
    Command { name, about, help, run }
}

const COMMANDS: &[Command] = &[
    command("demo", "call every client against the emulator and show the effects", None, demo::run),
    command("test", "compile and run all tests, including doctests", Some(test::HELP), test::run),
    command("lint", "check format, clippy, documentation, and feature sets", Some(lint::HELP), lint::run),
    command("tidy", "check the house rules that the compiler and clippy do not", Some(tidy::HELP), tidy::run),
    command("deps", "check number, versions, and licenses of dependencies", Some(deps::HELP), deps::run),
    command("tls", "run clients with no, another, and two TLS providers", Some(tls::HELP), tls::run),
    command("emulator", "start the emulator of the three services", None, emulator::run),
    command(
        "coverage",
        "compare the operations of clients and services",
        Some(coverage::HELP),
        coverage::run,
    ),
    command("interop", "run the official SDKs against the emulator", Some(interop::HELP), interop::run),
    command("chaos", "send messages over connections that are cut at random", Some(chaos::HELP), chaos::run),
    command("soak", "send a million events while parts fail at random", Some(soak::HELP), soak::run),
    command("bench", "compare the performance of clients and baselines", None, bench::run),
    command("docs", "build the documentation as docs.rs does", Some(docs::HELP), docs::run),
    command("api", "write or check the public API as text", Some(api::HELP), api::run),
    command("package", "package the crates and build a program on each", Some(package::HELP), package::run),
    command("release", "check and release a crate", Some(release::HELP), release::run),
    command("ci", "run every check, fast ones first", Some(ci::HELP), ci::run),
];

fn main() -> ExitCode {
    if let Some(exit) = rustdoc::replacement(std::env::args_os().skip(1)) {
        return exit.unwrap_or_else(|failure| report(&failure));
    }
    let mut args = std::env::args_os().skip(1);
    match dispatch(args.next(), args.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
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
    let asks_for_help = |arg: &OsString| arg == "--help" || arg == "-h";
    match command.help {
        Some(help) if args.iter().take_while(|arg| *arg != "--").any(asks_for_help) => println!("{help}"),
        _ => (command.run)(args)?,
    }
    Ok(())
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND [ARGS..]\n\n");
    for Command { name, about, .. } in COMMANDS {
        text.push_str(&format!("  {name:<10} {about}\n"));
    }
    text.push_str("\nFor more about a command: `cargo xtask COMMAND --help`");
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

    /// All commands except those that pass every argument to another program.
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
