//! `webpubsub connections`: the connections of a hub.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Hub;
use crate::confirmation::Confirmation;
use crate::failure::Result;
use crate::output::{self, Output};

/// The commands for connections.
#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// List the connections in a group.
    #[command(after_help = "Example:\n  hubgrid wps connections list --hub chat --group lobby")]
    List(List),
    /// Check whether a connection exists. Without it, the exit code is 3.
    #[command(after_help = "Example:\n  hubgrid wps connections exists --hub chat 5EzPq0ZtDbU")]
    Exists(Exists),
    /// Close connections.
    #[command(after_help = "Examples:
  hubgrid wps connections close --hub chat 5EzPq0ZtDbU --reason 'signed in elsewhere'
  hubgrid wps connections close --hub chat --all --yes")]
    Close(Close),
}

/// The options of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    hub: Hub,
    /// Name of the group. The service lists no connections outside of groups.
    #[arg(long)]
    group: String,
    /// List at most this number of connections.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

/// The options of `exists`.
#[derive(Debug, Args)]
pub(crate) struct Exists {
    #[command(flatten)]
    hub: Hub,
    /// ID of the connection.
    connection: String,
}

/// The options of `close`.
#[derive(Debug, Args)]
pub(crate) struct Close {
    #[command(flatten)]
    hub: Hub,
    /// IDs of the connections.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    connections: Vec<String>,
    /// Close all connections of the hub.
    #[arg(long)]
    all: bool,
    /// Reason, which the clients receive.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Connections {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::List(list) => list.run(output).await,
            Self::Exists(Exists { hub, connection }) => {
                let exists = hub.client()?.connection(&connection).exists().await?;
                output::existence(output, &connection, exists)
            }
            Self::Close(close) => close.run().await,
        }
    }
}

impl List {
    async fn run(self, output: &mut Output) -> Result<()> {
        let mut members = self.hub.client()?.group(&self.group).list_connections();
        if let Some(limit) = self.limit {
            members = members.top(limit);
        }
        let mut table = output.table(["CONNECTION", "USER"]);
        while let Some(member) = members.next().await {
            let member = member?;
            let value = json!({ "connectionId": member.connection_id, "userId": member.user_id });
            table.row(&value, [member.connection_id, member.user_id.unwrap_or_default()])?;
        }
        table.end()
    }
}

impl Close {
    async fn run(self) -> Result<()> {
        let service = self.hub.client()?;
        let hub = service.hub_name();
        let question = match &*self.connections {
            [] => format!("close all connections of the hub {hub}"),
            [one] => format!("close the connection {one} of the hub {hub}"),
            many => format!("close {} connections of the hub {hub}", many.len()),
        };
        self.confirmation.obtain(&question)?;
        let reason = self.reason.as_deref();
        if self.all {
            let close = service.close_all_connections();
            match reason {
                Some(reason) => close.reason(reason).await?,
                None => close.await?,
            }
        }
        for connection in &self.connections {
            let close = service.connection(connection).close();
            match reason {
                Some(reason) => close.reason(reason).await?,
                None => close.await?,
            }
        }
        Ok(())
    }
}
