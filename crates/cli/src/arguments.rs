//! The command line: the options of every command, and the commands of the first level.

use clap::{Parser, Subcommand};

use crate::output::Format;
use crate::settings::ClientArguments;
use crate::{emulator, eventgrid, hulft, webpubsub};

const AFTER_HELP: &str = "\
Examples:
  hubgrid webpubsub listen --hub chat --group lobby
  echo hello | hubgrid wps send --hub chat --group lobby
  hubgrid eg publish --topic orders events.jsonl
  hubgrid eg tail --topic orders --subscription billing | jq .data
  hubgrid hulft logs --from 2026-11-01 --to 2026-11-30 --csv > logs.csv

Environment:
  WEBPUBSUB_CONNECTION_STRING   of the Web PubSub resource
  EVENTGRID_NAMESPACES_ENDPOINT, EVENTGRID_NAMESPACES_KEY
  HULFT_WEBCONNECT_API_KEY, and HULFT_WEBCONNECT_ENDPOINT (optional)
  NO_COLOR                      any value disables colors and bold text

Exit codes:
  0  success              4  unauthorized or forbidden
  1  failed               5  only a part succeeded, or a part of the input is invalid
  2  invalid arguments,   6  the outcome is unknown: the service may have acted
     environment, input   7  not confirmed
  3  does not exist       130  interrupted";

/// Talks to Azure Web PubSub, Azure Event Grid Namespaces, and HULFT-WebConnect.
///
/// Prints tables on a terminal, and JSON lines into a pipe or a file.
#[derive(Debug, Parser)]
#[command(name = "hubgrid", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Format of the output. `auto` is `table` on a terminal and `json` otherwise.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Auto)]
    pub(crate) output: Format,

    /// Log each call on standard error; `-vv` logs each attempt, too.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands of the first level.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Azure Web PubSub: send and receive messages, manage connections.
    #[command(visible_alias = "wps")]
    Webpubsub {
        #[command(subcommand)]
        command: Box<webpubsub::Command>,
    },
    /// Azure Event Grid Namespaces: publish, receive, and settle events.
    #[command(visible_alias = "eg")]
    Eventgrid {
        #[command(subcommand)]
        command: Box<eventgrid::Command>,
    },
    /// HULFT-WebConnect: agents, connections, accounts, and relay logs.
    Hulft {
        #[command(subcommand)]
        command: Box<hulft::Command>,
    },
    /// The emulator of the three services: faults, clock, reset, and state.
    Emulator {
        #[command(subcommand)]
        command: Box<emulator::Command>,
    },
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  hubgrid completions bash > ~/.local/share/bash-completion/completions/hubgrid"
    )]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
#[path = "../tests/it/words.rs"]
mod words;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    /// Every command that runs something, with its path.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        if command.get_subcommands().next().is_none() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            found.push((path.clone(), help));
        }
        for child in command.get_subcommands() {
            leaves(child, &path, found);
        }
    }

    #[test]
    fn the_help_of_every_command_has_an_example_that_is_a_valid_command_line() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "", &mut found);
        for (path, help) in &found {
            let lines: Vec<_> = help.lines().filter(|line| line.contains("hubgrid ")).collect();
            assert!(!lines.is_empty(), "the help of `{path}` has no example");
            for line in lines {
                let (_, command) = line.split_once("hubgrid ").unwrap();
                let mut words = words::words(command);
                words.truncate(
                    words.iter().position(|word| ["|", ">", "<"].contains(&&**word)).unwrap_or(words.len()),
                );
                let parsed = Arguments::try_parse_from(["hubgrid".to_owned()].into_iter().chain(words));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
        assert!(found.len() > 20, "{found:?}");
    }
}
