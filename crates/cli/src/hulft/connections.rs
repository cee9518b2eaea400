//! `hulft connections`: connection settings.

use clap::{Args, Subcommand};
use hulft_webconnect::{ClientType, Connection};

use super::site;
use crate::confirmation::Confirmation;
use crate::failure::{Failure, Result};
use crate::input;
use crate::output::Output;

/// The commands for connection settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// List the connection settings.
    #[command(after_help = "Example:\n  hubgrid hulft connections list")]
    List,
    /// Show a connection setting. Without it, the exit code is 3.
    #[command(after_help = "Example:\n  hubgrid hulft connections show partner-a")]
    Show(Show),
    /// Register a connection setting. The password is read from standard input.
    #[command(
        after_help = "Example:\n  hubgrid hulft connections register partner-a --client-type hulft < password.txt"
    )]
    Register(Register),
    /// Delete a connection setting.
    #[command(after_help = "Example:\n  hubgrid hulft connections delete partner-a --yes")]
    Delete(Delete),
}

/// The options of `show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// ID of the connection.
    connection: String,
}

/// The options of `register`.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// ID of the connection.
    connection: String,
    /// Type of the clients, such as `hulft`; can be repeated.
    #[arg(long = "client-type", value_name = "TYPE", required = true)]
    client_types: Vec<String>,
    /// Memo.
    #[arg(long)]
    memo: Option<String>,
    /// Name of an IP filter group.
    #[arg(long, value_name = "GROUP")]
    ip_filter_group: Option<String>,
}

/// The options of `delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// ID of the connection.
    connection: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Connections {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::List => list(output).await,
            Self::Show(Show { connection }) => match site()?.connections().get(&connection).await? {
                Some(found) => print(&[found], output),
                None => Err(Failure::NotFound(format!("no connection {connection} is registered"))),
            },
            Self::Register(register) => register.run().await,
            Self::Delete(Delete { connection, confirmation }) => {
                let site = site()?;
                confirmation.obtain(&format!("delete the connection {connection}"))?;
                Ok(site.connections().delete(&connection).await?)
            }
        }
    }
}

impl Register {
    async fn run(self) -> Result<()> {
        let site = site()?;
        let password = input::secret("the password of the connection")?;
        let types = self.client_types.iter().map(|name| ClientType::from(name.as_str()));
        let mut register = site.connections().register(self.connection, password, types);
        if let Some(memo) = self.memo {
            register = register.memo(memo);
        }
        if let Some(group) = self.ip_filter_group {
            register = register.ip_filter_group(group);
        }
        register.await?;
        Ok(())
    }
}

async fn list(output: &mut Output) -> Result<()> {
    print(&site()?.connections().list().all().await?, output)
}

fn print(connections: &[Connection], output: &mut Output) -> Result<()> {
    let mut table = output.table(["CONNECTION", "CLIENT TYPES", "IP FILTER GROUP", "MEMO"]);
    for connection in connections {
        let types: Vec<_> = connection.client_types.iter().map(ClientType::as_str).collect();
        let group = connection.ip_filter_group_name.clone().unwrap_or_default();
        let cells = [connection.connection_id.clone(), types.join(", "), group, connection.memo.clone()];
        table.row(connection, cells)?;
    }
    table.end()
}
