//! `cargo xtask`: the workspace's only task runner. This file finds the command and converts its result to an exit status.

mod bench;
mod ci;
mod deps;
mod docs;
mod failure;
mod flags;
mod interop;
mod lint;
mod package;
mod process;
mod programs;
mod release;
mod sdks;
mod standalone;
mod stopwatch;
mod test;
mod tidy;
mod tls;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use Run::{Alone, With};
use failure::{Failure, Result};
use programs::{CHAOS_HELP, ENDURE_HELP, FLEET_HELP, SOAK_HELP};

/// A command: its name, a one-line description, its help, and its function. Commands without help handle `--help`.
struct Command(&'static str, &'static str, Option<&'static str>, Run);

/// The function of a command.
enum Run {
    /// Takes no arguments.
    Alone(fn() -> Result<()>),
    /// Parses its arguments.
    With(fn(Vec<OsString>) -> Result<()>),
}

#[rustfmt::skip] // One command per line.
const COMMANDS: &[Command] = &[
    Command("demo", "call every client against the emulator and show the effects", None, With(programs::demo)),
    Command("test", "compile and run all tests, including doctests", Some(test::HELP), With(test::run)),
    Command("lint", "check format, clippy, documentation, and feature sets", Some(lint::HELP), Alone(lint::run)),
    Command("tidy", "check the house rules that the compiler and clippy do not", Some(tidy::HELP), Alone(tidy::run)),
    Command("deps", "check number, versions, and licenses of dependencies", Some(deps::HELP), With(deps::run)),
    Command("tls", "run clients with no, another, and two TLS providers", Some(tls::HELP), Alone(tls::run)),
    Command("emulator", "start the emulator of the three services", None, With(programs::emulator)),
    Command("coverage", "compare the operations of clients and services", Some(programs::COVERAGE_HELP), With(programs::coverage)),
    Command("interop", "run the official SDKs against the emulator", Some(interop::HELP), With(interop::run)),
    Command("chaos", "send messages over connections that are cut at random", Some(CHAOS_HELP), With(|args| programs::long("chaos", CHAOS_HELP, args))),
    Command("endure", "run everything together and watch what grows", Some(ENDURE_HELP), With(|args| programs::long("endure", ENDURE_HELP, args))),
    Command("fleet", "kill processes that handle the events of one subscription", Some(FLEET_HELP), With(|args| programs::long("fleet", FLEET_HELP, args))),
    Command("fuzz", "run parsers on generated inputs", Some(programs::FUZZ_HELP), With(programs::fuzz)),
    Command("soak", "send a million events while parts fail at random", Some(SOAK_HELP), With(|args| programs::long("soak", SOAK_HELP, args))),
    Command("bench", "compare the performance of clients and baselines", Some(bench::HELP), With(bench::run)),
    Command("docs", "build the documentation as docs.rs does", Some(docs::HELP), With(docs::run)),
    Command("api", "write or check the public API as text", Some(docs::API_HELP), With(docs::api)),
    Command("package", "package the crates and build a program on each", Some(package::HELP), Alone(package::run)),
    Command("release", "check and release a crate", Some(release::HELP), With(release::run)),
    Command("ci", "run every check, fast ones first", Some(ci::HELP), With(ci::run)),
];

fn main() -> ExitCode {
    if let Some(exit) = docs::replaced_rustdoc(std::env::args_os().skip(1)) {
        return exit.unwrap_or_else(|failure| report(&failure));
    }
    let mut args = std::env::args_os().skip(1);
    match dispatch(args.next(), args.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    eprintln!("error: {failure}");
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
    let Some(Command(_, _, help, run)) = COMMANDS.iter().find(|command| command.0 == name) else {
        let names: Vec<_> = COMMANDS.iter().map(|command| command.0).collect();
        return Err(flags::not_one_of("command", &name, &names));
    };
    let asks_for_help = |arg: &OsString| arg == "--help" || arg == "-h";
    match (help, run) {
        (Some(help), _) if args.iter().take_while(|arg| *arg != "--").any(asks_for_help) => {
            println!("{}", help.trim_end());
        }
        (_, Alone(run)) => {
            let [] = flags::switches(args, [])?;
            run()?;
        }
        (_, With(run)) => run(args)?,
    }
    Ok(())
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND [ARGS..]\n\n");
    for Command(name, about, ..) in COMMANDS {
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
            assert!(failure.text().contains(command.1));
        }
    }

    #[test]
    fn every_command_has_a_help_page_and_rejects_an_unknown_flag_by_its_name() {
        // `demo` and `emulator` pass every argument to another program.
        for command in COMMANDS.iter().filter(|command| !matches!(command.0, "demo" | "emulator")) {
            call(&format!("{} --help", command.0)).unwrap();
            let failure = call(&format!("{} --flga", command.0)).unwrap_err();
            assert_eq!(failure.exit_status(), 2, "{}", command.0);
            assert!(failure.text().contains("--flga"), "{}", command.0);
        }
    }
}
