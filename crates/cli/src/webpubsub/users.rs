//! `webpubsub users`: users and their connections.

use clap::{Args, Subcommand};

use super::Hub;
use crate::confirmation::Confirmation;
use crate::failure::Result;
use crate::output::{self, Output};

/// The commands for users.
#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// Check whether a user has connections. Without any, the exit code is 3.
    #[command(after_help = "Example:\n  hubgrid wps users exists --hub chat alice")]
    Exists(Exists),
    /// Close all connections of a user.
    #[command(
        after_help = "Example:\n  hubgrid wps users close --hub chat alice --reason 'signed in elsewhere'"
    )]
    Close(Close),
}

/// The options of `exists`.
#[derive(Debug, Args)]
pub(crate) struct Exists {
    #[command(flatten)]
    hub: Hub,
    /// Name of the user.
    user: String,
}

/// The options of `close`.
#[derive(Debug, Args)]
pub(crate) struct Close {
    #[command(flatten)]
    hub: Hub,
    /// Name of the user.
    user: String,
    /// Reason, which the clients receive.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Users {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::Exists(Exists { hub, user }) => {
                let exists = hub.client()?.user(&user).exists().await?;
                output::existence(output, &user, exists)
            }
            Self::Close(close) => close.run().await,
        }
    }
}

impl Close {
    async fn run(self) -> Result<()> {
        let service = self.hub.client()?;
        let question = format!("close the connections of {} in the hub {}", self.user, service.hub_name());
        self.confirmation.obtain(&question)?;
        let close = service.user(&self.user).close_connections();
        match self.reason {
            Some(reason) => close.reason(reason).await?,
            None => close.await?,
        }
        Ok(())
    }
}
