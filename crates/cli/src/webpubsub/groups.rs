//! `webpubsub groups`: groups and their members.

use clap::{Args, Subcommand};
use webpubsub::Connections;
use webpubsub::filter::Filter;

use super::Hub;
use crate::confirmation::Confirmation;
use crate::failure::Result;
use crate::output::{self, Output};

/// The commands for groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Groups {
    /// Check whether a group has connections. Without any, the exit code is 3.
    #[command(after_help = "Example:\n  hubgrid wps groups exists --hub chat lobby")]
    Exists(Exists),
    /// Close all connections in a group.
    #[command(
        after_help = "Example:\n  hubgrid wps groups close --hub chat lobby --reason 'the lobby closes'"
    )]
    Close(Close),
    /// Add a connection, the connections of a user, or those that match a filter.
    #[command(after_help = "Examples:
  hubgrid wps groups add --hub chat lobby --user alice
  hubgrid wps groups add --hub chat lobby --filter 'userId ne null'")]
    Add(Members),
    /// Remove a connection, the connections of a user, or those that match a filter.
    #[command(after_help = "Example:\n  hubgrid wps groups remove --hub chat lobby --connection 5EzPq0ZtDbU")]
    Remove(Members),
}

/// The options of `exists`.
#[derive(Debug, Args)]
pub(crate) struct Exists {
    #[command(flatten)]
    hub: Hub,
    /// Name of the group.
    group: String,
}

/// The options of `close`.
#[derive(Debug, Args)]
pub(crate) struct Close {
    #[command(flatten)]
    hub: Hub,
    /// Name of the group.
    group: String,
    /// Reason, which the clients receive.
    #[arg(long)]
    reason: Option<String>,
    /// Connection that is not closed; can be repeated.
    #[arg(long, value_name = "CONNECTION")]
    exclude: Vec<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// The options of `add` and `remove`.
#[derive(Debug, Args)]
pub(crate) struct Members {
    #[command(flatten)]
    hub: Hub,
    /// Name of the group.
    group: String,
    #[command(flatten)]
    selection: Selection,
}

/// Which connections are added or removed.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Selection {
    /// ID of a connection.
    #[arg(long)]
    connection: Option<String>,
    /// Name of a user.
    #[arg(long)]
    user: Option<String>,
    /// Filter in the filter language of the service.
    #[arg(long)]
    filter: Option<String>,
}

impl Groups {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::Exists(Exists { hub, group }) => {
                let exists = hub.client()?.group(&group).exists().await?;
                output::existence(output, &group, exists)
            }
            Self::Close(close) => close.run().await,
            Self::Add(members) => members.add().await,
            Self::Remove(members) => members.remove().await,
        }
    }
}

impl Close {
    async fn run(self) -> Result<()> {
        let service = self.hub.client()?;
        let question =
            format!("close the connections in the group {} of the hub {}", self.group, service.hub_name());
        self.confirmation.obtain(&question)?;
        let close = service.group(&self.group).close_connections().excluded(&self.exclude);
        match self.reason {
            Some(reason) => close.reason(reason).await?,
            None => close.await?,
        }
        Ok(())
    }
}

impl Members {
    async fn add(self) -> Result<()> {
        let service = self.hub.client()?;
        let Selection { connection, user, filter } = self.selection;
        if let Some(connection) = connection {
            service.group(&self.group).add_connection(connection).await?;
        } else if let Some(user) = user {
            service.user(user).add_to_group(&self.group).await?;
        } else if let Some(filter) = filter {
            service.add_connections_to_groups([&self.group], matching(filter)).await?;
        }
        Ok(())
    }

    async fn remove(self) -> Result<()> {
        let service = self.hub.client()?;
        let Selection { connection, user, filter } = self.selection;
        if let Some(connection) = connection {
            service.group(&self.group).remove_connection(connection).await?;
        } else if let Some(user) = user {
            service.user(user).remove_from_group(&self.group).await?;
        } else if let Some(filter) = filter {
            service.remove_connections_from_groups([&self.group], matching(filter)).await?;
        }
        Ok(())
    }
}

fn matching(filter: String) -> Connections {
    Connections::matching(Filter::raw(filter))
}
