//! `webpubsub token`: the URL with which a client connects, and the explanation of a rejected token.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use webpubsub::{ClientProtocol, Role};

use super::{Hub, client};
use crate::failure::Result;
use crate::input;
use crate::output::Output;
use crate::times::rfc3339;

pub(super) const HELP: &str = "\
The URL is a secret: any client that has it can connect.

Examples:
  hubgrid wps token --hub chat --user alice --role webpubsub.sendToGroup.lobby --group lobby
  hubgrid wps token explain --hub chat < token.txt
  hubgrid wps token explain --hub chat --call";

const EXPLAIN_HELP: &str = "\
Reads the token from standard input: a JWT, the value of an Authorization header, or a URL with `access_token`. It is not sent
anywhere. With --call, one request is sent with the credential of the environment, and its 401 is explained.

Examples:
  hubgrid wps token explain --hub chat < token.txt
  hubgrid wps token explain --hub chat --call";

/// The command `token`, which creates a URL, and its subcommand.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    create: Create,
}

/// The subcommands of `token`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Explain why a token or a call is rejected with 401.
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Explain),
}

/// The options of `token`.
#[derive(Debug, Args)]
struct Create {
    /// Name of the hub.
    // Not `Hub`: the subcommand has its own.
    #[arg(long, required = true)]
    hub: Option<String>,
    /// Name of the user.
    #[arg(long)]
    user: Option<String>,
    /// Role, such as `webpubsub.sendToGroup.lobby`; can be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Group that the client joins when it connects; can be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Lifetime of the token.
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    minutes: u64,
    /// Protocol that the client speaks.
    #[arg(long, value_enum, default_value_t = Protocol::Websocket)]
    protocol: Protocol,
}

/// The options of `explain`.
#[derive(Debug, Args)]
struct Explain {
    #[command(flatten)]
    hub: Hub,
    /// Send a request and explain its 401, instead of reading a token.
    #[arg(long)]
    call: bool,
}

/// The protocols of clients.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Protocol {
    Websocket,
    Mqtt,
    #[value(name = "socketio")]
    SocketIo,
}

impl From<Protocol> for ClientProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Websocket => Self::Default,
            Protocol::Mqtt => Self::Mqtt,
            Protocol::SocketIo => Self::SocketIo,
        }
    }
}

impl Token {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self.command {
            Some(Command::Explain(explain)) => explain.run(output).await,
            None => self.create.run(output).await,
        }
    }
}

impl Create {
    async fn run(self, output: &mut Output) -> Result<()> {
        let access = client(&self.hub.unwrap_or_default())?.client_access();
        let access = access.roles(self.roles.into_iter().map(Role::raw)).groups(self.groups);
        let access = access.lifetime(Duration::from_secs(self.minutes.saturating_mul(60)));
        let mut access = access.protocol(self.protocol.into());
        if let Some(user) = self.user {
            access = access.user(user);
        }
        let access = access.await?;
        let value = json!({ "url": access.url, "expiresAt": access.expires_at.map(rfc3339) });
        output.record(&value, || access.url.clone())
    }
}

impl Explain {
    async fn run(self, output: &mut Output) -> Result<()> {
        let service = self.hub.client()?;
        let explanation = if self.call {
            // Any call that needs the credential and changes nothing.
            match service.group("explain").exists().await {
                Ok(_) => {
                    let value = json!({ "findings": [] });
                    return output.record(&value, || "the service accepts the credential".to_owned());
                }
                Err(error) if error.status().is_some_and(|status| status == 401) => {
                    service.explain_unauthorized(&error)
                }
                Err(error) => return Err(error.into()),
            }
        } else {
            service.explain_unauthorized(input::secret("the token")?.expose())
        };
        let findings: Vec<_> = explanation.findings().iter().map(ToString::to_string).collect();
        if output.is_json() {
            return output.json_line(&json!({ "findings": findings }));
        }
        for line in explanation.to_string().lines() {
            output.line(line)?;
        }
        Ok(())
    }
}
