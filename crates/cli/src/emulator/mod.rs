//! `hubgrid emulator`: the commands for the control API of the emulator.

mod control;
mod faults;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::confirmation::Confirmation;
use crate::failure::Result;
use crate::output::Output;
use control::{Control, Location};

/// The commands for the emulator.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check whether the emulator serves requests.
    #[command(after_help = "Example:\n  hubgrid emulator health --url http://127.0.0.1:8080")]
    Health(Target),
    /// Print the state of all services as JSON.
    #[command(after_help = "Example:\n  hubgrid emulator state | jq .topics")]
    State(Target),
    /// List, add, and remove faults.
    #[command(subcommand)]
    Faults(faults::Faults),
    /// Read and advance the clock of the emulator.
    #[command(subcommand)]
    Clock(Clock),
    /// Return all services, or one, to their state at the start.
    #[command(
        after_help = "Examples:\n  hubgrid emulator reset --yes\n  hubgrid emulator reset eventgrid --yes"
    )]
    Reset(Reset),
}

/// The options of commands that have no others.
#[derive(Debug, Args)]
pub(crate) struct Target {
    #[command(flatten)]
    location: Location,
}

/// The commands for the clock.
#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Print the time of the emulator.
    #[command(after_help = "Example:\n  hubgrid emulator clock show")]
    Show(Target),
    /// Advance the clock. Everything whose time has come then happens, such as the end of locks.
    #[command(after_help = "Example:\n  hubgrid emulator clock advance 61")]
    Advance(Advance),
}

/// The options of `clock advance`.
#[derive(Debug, Args)]
pub(crate) struct Advance {
    /// Seconds, with or without a fraction.
    seconds: f64,
    #[command(flatten)]
    location: Location,
}

/// The options of `reset`.
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The service.
    #[arg(value_enum)]
    service: Option<Service>,
    #[command(flatten)]
    location: Location,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// The services of the emulator.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Service {
    Webpubsub,
    Eventgrid,
    Hulft,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Webpubsub => "webpubsub",
            Self::Eventgrid => "eventgrid",
            Self::Hulft => "hulft",
        }
    }
}

/// Runs a command.
pub(crate) async fn run(command: Command, output: &mut Output) -> Result<()> {
    match command {
        Command::Health(target) => {
            let control = target.location.control()?;
            control.get(&["health"]).await?;
            let url = control.url();
            output.record(&json!({ "healthy": true, "endpoint": url }), || format!("{url} is healthy"))
        }
        Command::State(target) => {
            let state = target.location.control()?.get(&["state"]).await?;
            print(&state, output)
        }
        Command::Faults(faults) => faults.run(output).await,
        Command::Clock(Clock::Show(target)) => time(&target.location.control()?, output).await,
        Command::Clock(Clock::Advance(Advance { seconds, location })) => {
            let control = location.control()?;
            control.post(&["clock", "advance"], &json!({ "seconds": seconds })).await?;
            time(&control, output).await
        }
        Command::Reset(reset) => reset.run().await,
    }
}

/// Prints JSON: on one line for programs, indented for people.
fn print(value: &Value, output: &mut Output) -> Result<()> {
    if output.is_json() {
        return output.json_line(value);
    }
    for line in format!("{value:#}").lines() {
        output.line(line)?;
    }
    Ok(())
}

async fn time(control: &Control, output: &mut Output) -> Result<()> {
    let time = control.get(&["clock"]).await?;
    output.record(&time, || time["now"].as_str().unwrap_or_default().to_owned())
}

impl Reset {
    async fn run(self) -> Result<()> {
        let control = self.location.control()?;
        let what = self.service.map_or("all services", Service::name);
        self.confirmation.obtain(&format!("reset {what} of the emulator at {}", control.url()))?;
        match self.service {
            Some(service) => control.post(&["reset", service.name()], &json!({})).await?,
            None => control.post(&["reset"], &json!({})).await?,
        };
        Ok(())
    }
}
