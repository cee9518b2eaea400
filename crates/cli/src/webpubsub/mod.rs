//! `hubgrid webpubsub`: the commands for Azure Web PubSub.

mod connect;
mod connections;
mod groups;
mod invoke;
mod listen;
mod permissions;
mod presence;
mod send;
mod shown;
mod token;
mod users;
mod webhook;

use clap::{Args, Subcommand};
use webpubsub::{Credential, ServiceClient};

use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::settings::{self, configured};

/// The commands for Azure Web PubSub.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect as a WebSocket client and print what arrives.
    #[command(after_help = listen::HELP)]
    Listen(listen::Listen),
    /// Send a message to a hub, a group, a user, or a connection.
    #[command(after_help = send::HELP)]
    Send(send::Send),
    /// List, find, and close connections.
    #[command(subcommand)]
    Connections(connections::Connections),
    /// Find and close groups, and change their members.
    #[command(subcommand)]
    Groups(groups::Groups),
    /// Find users and close their connections.
    #[command(subcommand)]
    Users(users::Users),
    /// Grant, check, and revoke permissions of a connection.
    #[command(subcommand)]
    Permissions(permissions::Permissions),
    /// Print a URL with which a client connects, or explain a rejected token.
    #[command(after_help = token::HELP)]
    Token(token::Token),
    /// Invoke an event handler of the application as a client, and print its response (preview).
    #[command(after_help = invoke::HELP)]
    Invoke(invoke::Invoke),
    /// Print the states of the members of a group, and each change (preview).
    #[command(after_help = presence::HELP)]
    Presence(presence::Presence),
    /// Receive the events of a hub as a webhook, print them, and respond.
    #[command(after_help = webhook::HELP)]
    Webhook(webhook::Webhook),
    /// Check whether the service is healthy.
    #[command(after_help = "Example:\n  hubgrid wps health")]
    Health,
}

/// The hub that a command acts on.
#[derive(Debug, Args)]
pub(crate) struct Hub {
    /// Name of the hub.
    #[arg(long, value_name = "HUB")]
    hub: String,
}

impl Hub {
    fn client(&self) -> Result<ServiceClient> {
        client(&self.hub)
    }
}

/// Creates the client from the environment.
fn client(hub: &str) -> Result<ServiceClient> {
    let builder = match settings::token_credential()? {
        Some(credential) => ServiceClient::builder_from_env_with(Credential::token(credential), hub)?,
        None => ServiceClient::builder_from_env(hub)?,
    };
    Ok(configured!(builder).build()?)
}

/// Runs a command. If it fails with 401, the failure explains why, as far as it can be determined locally.
pub(crate) async fn run(command: Command, output: &mut Output) -> Result<()> {
    let result = match command {
        Command::Listen(listen) => listen.run(output).await,
        Command::Send(send) => send.run().await,
        Command::Connections(connections) => connections.run(output).await,
        Command::Groups(groups) => groups.run(output).await,
        Command::Users(users) => users.run(output).await,
        Command::Permissions(permissions) => permissions.run(output).await,
        Command::Token(token) => token.run(output).await,
        Command::Invoke(invoke) => invoke.run(output).await,
        Command::Presence(presence) => presence.run(output).await,
        Command::Webhook(webhook) => webhook.run(output).await,
        Command::Health => health(output).await,
    };
    result.map_err(explained)
}

async fn health(output: &mut Output) -> Result<()> {
    // The check concerns the resource: the name of the hub is not sent.
    let service = client("health")?;
    service.check_health().await?;
    let value = serde_json::json!({ "healthy": true, "endpoint": service.endpoint() });
    output.record(&value, || format!("{} is healthy", service.endpoint()))
}

fn explained(failure: Failure) -> Failure {
    let Failure::Call(error) = failure else { return failure };
    let is_unauthorized = error.status().is_some_and(|status| status == 401);
    match client("explain") {
        Ok(service) if is_unauthorized => {
            let explanation = service.explain_unauthorized(&error).to_string();
            Failure::Unauthorized(error, explanation)
        }
        _ => Failure::Call(error),
    }
}
