//! `hubgrid`, a command-line program for Azure Web PubSub, Azure Event Grid Namespaces, and HULFT-WebConnect. It is built on
//! the three clients of this repository.

mod arguments;
mod confirmation;
mod count;
mod emulator;
#[cfg(feature = "entra")]
mod entra;
mod eventgrid;
mod failure;
mod hulft;
mod input;
mod interrupt;
mod log;
mod output;
mod progress;
mod settings;
mod table;
mod times;
mod webpubsub;

use std::io::{self, Write as _};
use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::{CommandFactory as _, Parser as _};
use failure::Result;
use output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Standard output or error may be closed, and then there is no reader of this text.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { failure::USAGE } else { 0 });
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                // Not `eprintln!`, which panics if standard error is closed.
                let _ = writeln!(io::stderr(), "hubgrid: {message}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    if let Command::Completions { shell } = arguments.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "hubgrid", &mut script);
        return Ok(io::stdout().lock().write_all(&script)?);
    }
    log::start(arguments.verbose);
    settings::set(&arguments.client)?;
    let mut output = Output::new(arguments.output);
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Webpubsub { command } => webpubsub::run(*command, &mut output).await,
            Command::Eventgrid { command } => eventgrid::run(*command, &mut output).await,
            Command::Hulft { command } => hulft::run(*command, &mut output).await,
            Command::Emulator { command } => emulator::run(*command, &mut output).await,
            Command::Completions { .. } => Ok(()),
        }
    });
    // A thread may still wait for standard input, which cannot be cancelled.
    runtime.shutdown_background();
    // What was printed before a failure must not be lost.
    let flushed = output.flush();
    result.and(flushed)
}
