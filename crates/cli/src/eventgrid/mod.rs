//! `hubgrid eventgrid`: the commands for Azure Event Grid Namespaces.

mod dead_letters;
mod events;
mod process;
mod publish;
mod receive;
mod settle;
mod tail;
mod validate;

use clap::{Args, Subcommand};
use eventgrid_namespaces::{Credential, NamespaceClient, Receiver};

use crate::failure::Result;
use crate::output::Output;
use crate::settings::{self, configured};

/// The commands for Azure Event Grid Namespaces.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Publish events from files or standard input.
    #[command(after_help = publish::HELP)]
    Publish(publish::Publish),
    /// Receive events once, and print them with their lock tokens.
    #[command(after_help = receive::HELP)]
    Receive(receive::Receive),
    /// Print events as they arrive, and acknowledge each one after it was printed.
    #[command(after_help = tail::HELP)]
    Tail(tail::Tail),
    /// Acknowledge received events: they were handled.
    #[command(after_help = "Examples:
  hubgrid eg acknowledge --topic orders --subscription billing CiYKJDc4
  hubgrid eg receive --topic orders --subscription billing | jq -r .lockToken | hubgrid eg acknowledge --topic orders --subscription billing")]
    Acknowledge(settle::Acknowledge),
    /// Release received events: they are delivered again.
    #[command(
        after_help = "Example:\n  hubgrid eg release --topic orders --subscription billing --delay 60 CiYKJDc4"
    )]
    Release(settle::Release),
    /// Reject received events: they are never delivered again.
    #[command(
        after_help = "Example:\n  hubgrid eg reject --topic orders --subscription billing CiYKJDc4 --yes"
    )]
    Reject(settle::Reject),
    /// Run a command for each event. Its exit status decides what becomes of the event.
    #[command(after_help = process::HELP)]
    Process(process::Process),
    /// Print the events of dead-letter blobs.
    #[command(after_help = dead_letters::HELP)]
    DeadLetters(dead_letters::DeadLetters),
    /// Check whether events can be published, and print the rules that they break.
    #[command(after_help = validate::HELP)]
    Validate(validate::Validate),
}

/// The subscription that a command acts on.
#[derive(Debug, Args)]
pub(crate) struct Subscription {
    /// Name of the topic.
    #[arg(long)]
    topic: String,
    /// Name of the subscription.
    #[arg(long)]
    subscription: String,
}

impl Subscription {
    fn receiver(&self) -> Result<Receiver> {
        Ok(namespace()?.receiver(self.topic.as_str(), self.subscription.as_str()))
    }
}

/// Creates the client from the environment.
fn namespace() -> Result<NamespaceClient> {
    let builder = match settings::token_credential()? {
        Some(credential) => NamespaceClient::builder_from_env_with(Credential::token(credential))?,
        None => NamespaceClient::builder_from_env()?,
    };
    Ok(configured!(builder).build()?)
}

/// Runs a command.
pub(crate) async fn run(command: Command, output: &mut Output) -> Result<()> {
    match command {
        Command::Publish(publish) => publish.run(output).await,
        Command::Receive(receive) => receive.run(output).await,
        Command::Tail(tail) => tail.run(output).await,
        Command::Acknowledge(acknowledge) => acknowledge.run(output).await,
        Command::Release(release) => release.run(output).await,
        Command::Reject(reject) => reject.run(output).await,
        Command::Process(process) => process.run(output).await,
        Command::DeadLetters(dead_letters) => dead_letters.run(output),
        Command::Validate(validate) => validate.run(output),
    }
}
