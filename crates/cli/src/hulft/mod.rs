//! `hubgrid hulft`: the commands for HULFT-WebConnect.

mod accounts;
mod agents;
mod connections;
mod logs;
mod status;
mod watch;

use clap::{Args, Subcommand};
use hulft_webconnect::{SiteClient, TimeZone};

use crate::failure::Result;
use crate::output::Output;
use crate::settings::{self, configured};

/// The commands for HULFT-WebConnect.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List, watch, and disconnect agents.
    #[command(subcommand)]
    Agents(agents::Agents),
    /// List, show, register, and delete connection settings.
    #[command(subcommand)]
    Connections(connections::Connections),
    /// Print the relay log of a range of dates.
    #[command(after_help = logs::HELP)]
    Logs(logs::Logs),
    /// List, show, register, and delete accounts.
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Print the status of the service.
    #[command(
        after_help = "Without `NORMAL` status, the exit code is 1.\n\nExample:\n  hubgrid hulft status"
    )]
    Status,
}

/// The time zone of the times in the output.
#[derive(Debug, Args)]
pub(crate) struct Zone {
    /// Time zone of times and dates, such as `Asia/Tokyo`.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
}

impl Zone {
    fn get(&self) -> Result<TimeZone> {
        Ok(TimeZone::new(self.time_zone.as_str())?)
    }
}

/// Creates the client from the environment.
fn site() -> Result<SiteClient> {
    settings::get().require_key("HULFT-WebConnect has API keys only")?;
    Ok(configured!(SiteClient::builder_from_env()?).build()?)
}

/// Runs a command.
pub(crate) async fn run(command: Command, output: &mut Output) -> Result<()> {
    match command {
        Command::Agents(agents) => agents.run(output).await,
        Command::Connections(connections) => connections.run(output).await,
        Command::Logs(logs) => logs.run(output).await,
        Command::Accounts(accounts) => accounts.run(output).await,
        Command::Status => status::run(output).await,
    }
}
