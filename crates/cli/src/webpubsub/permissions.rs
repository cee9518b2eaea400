//! `webpubsub permissions`: what a connection may do.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use webpubsub::{Connection, Permission};

use super::Hub;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// The commands for permissions.
#[derive(Debug, Subcommand)]
pub(crate) enum Permissions {
    /// Grant a permission to a connection.
    #[command(
        after_help = "Example:\n  hubgrid wps permissions grant --hub chat send-to-group --connection 5EzPq0ZtDbU --group lobby"
    )]
    Grant(Target),
    /// Check whether a connection has a permission. Without it, the exit code is 3.
    #[command(
        after_help = "Example:\n  hubgrid wps permissions check --hub chat send-to-group --connection 5EzPq0ZtDbU --group lobby"
    )]
    Check(Target),
    /// Revoke a permission of a connection.
    #[command(
        after_help = "Example:\n  hubgrid wps permissions revoke --hub chat join-leave-group --connection 5EzPq0ZtDbU --group lobby"
    )]
    Revoke(Target),
}

/// The options of all commands for permissions.
#[derive(Debug, Args)]
pub(crate) struct Target {
    #[command(flatten)]
    hub: Hub,
    /// The permission.
    #[arg(value_enum)]
    permission: Kind,
    /// ID of the connection.
    #[arg(long)]
    connection: String,
    /// Group that the permission is for. Without it, the permission is for every group.
    #[arg(long)]
    group: Option<String>,
}

/// The permissions that the service documents.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    SendToGroup,
    JoinLeaveGroup,
}

impl From<Kind> for Permission {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::SendToGroup => Self::SendToGroup,
            Kind::JoinLeaveGroup => Self::JoinLeaveGroup,
        }
    }
}

impl Target {
    fn connection(&self) -> Result<Connection> {
        Ok(self.hub.client()?.connection(&self.connection))
    }
}

impl Permissions {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::Grant(target) => {
                let grant = target.connection()?.grant_permission(target.permission);
                match &target.group {
                    Some(group) => grant.group(group).await?,
                    None => grant.await?,
                }
                Ok(())
            }
            Self::Revoke(target) => {
                let revoke = target.connection()?.revoke_permission(target.permission);
                match &target.group {
                    Some(group) => revoke.group(group).await?,
                    None => revoke.await?,
                }
                Ok(())
            }
            Self::Check(target) => {
                let check = target.connection()?.has_permission(target.permission);
                let granted = match &target.group {
                    Some(group) => check.group(group).await?,
                    None => check.await?,
                };
                let text = || if granted { "granted" } else { "not granted" }.to_owned();
                output.record(&json!({ "granted": granted }), text)?;
                if granted { Ok(()) } else { Err(Failure::Missing) }
            }
        }
    }
}
