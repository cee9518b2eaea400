//! `hulft agents`: the programs that transfer files.

use clap::{Args, Subcommand, ValueEnum};
use hulft_webconnect::{Agent, SiteClient};

use super::{Zone, site, watch};
use crate::confirmation::Confirmation;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// The commands for agents.
#[derive(Debug, Subcommand)]
pub(crate) enum Agents {
    /// List the connected agents.
    #[command(after_help = "Example:\n  hubgrid hulft agents list --direction send")]
    List(List),
    /// Print agents as they connect and disconnect.
    #[command(after_help = watch::HELP)]
    Watch(watch::Watch),
    /// Disconnect an agent. A running transfer ends abnormally.
    #[command(after_help = "Examples:
  hubgrid hulft agents disconnect branch-17
  hubgrid hulft agents disconnect branch-17 --session 0123456789abcdef --yes")]
    Disconnect(Disconnect),
}

/// The options of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// List only agents of this direction.
    #[arg(long, value_enum)]
    direction: Option<Direction>,
    #[command(flatten)]
    zone: Zone,
}

/// The options of `disconnect`.
#[derive(Debug, Args)]
pub(crate) struct Disconnect {
    /// ID of the agent.
    agent: String,
    /// Session of the agent, if it has several.
    #[arg(long)]
    session: Option<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// The directions of transfers.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Direction {
    Send,
    Receive,
}

impl From<Direction> for hulft_webconnect::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Send => Self::Send,
            Direction::Receive => Self::Receive,
        }
    }
}

impl Agents {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::List(list) => list.run(output).await,
            Self::Watch(watch) => watch.run(output).await,
            Self::Disconnect(disconnect) => disconnect.run().await,
        }
    }
}

impl List {
    async fn run(self, output: &mut Output) -> Result<()> {
        let agents = site()?.agents();
        let list = match self.direction {
            Some(direction) => agents.list_by_direction(&direction.into()),
            None => agents.list(),
        };
        let mut rows = list.time_zone(self.zone.get()?);
        let mut table = output.table(["AGENT", "DIRECTION", "CONNECTIONS", "VERSION", "SINCE", "SESSION"]);
        while let Some(agent) = rows.next().await {
            let agent = agent?;
            let connections = agent.connection_ids.join(", ");
            let cells = [
                &*agent.agent_id,
                agent.direction.as_str(),
                &*connections,
                &*agent.agent_version,
                agent.start_connection.as_str(),
                &*agent.session_id,
            ];
            table.row(&agent, cells.map(str::to_owned))?;
        }
        table.end()
    }
}

impl Disconnect {
    async fn run(self) -> Result<()> {
        let site = site()?;
        let agent = self.find(&site).await?;
        if !agent.supports_disconnection {
            let text = format!("the agent {} does not support disconnection", self.agent);
            return Err(Failure::Failed(text));
        }
        let since = agent.start_connection.as_str();
        let (id, zone) = (&agent.agent_id, agent.start_connection.time_zone().as_str());
        let question = format!(
            "disconnect the agent {id}, connected since {since} {zone}; a running transfer ends abnormally"
        );
        self.confirmation.obtain(&question)?;
        Ok(site.agents().disconnect_agent(&agent).await?)
    }

    /// Finds the one agent that is meant.
    async fn find(&self, site: &SiteClient) -> Result<Agent> {
        let mut agents = site.agents().list().all().await?;
        agents.retain(|agent| {
            let is_session = self.session.as_ref().is_none_or(|session| *session == agent.session_id);
            agent.agent_id == self.agent && is_session
        });
        match agents.pop() {
            None => Err(Failure::NotFound(format!("no agent {} is connected", self.agent))),
            Some(agent) if agents.is_empty() => Ok(agent),
            Some(last) => {
                let sessions: Vec<_> = agents.iter().chain([&last]).map(|agent| &*agent.session_id).collect();
                let (id, sessions) = (&self.agent, sessions.join(", "));
                Err(Failure::Usage(format!(
                    "the agent {id} has several sessions; pass --session: {sessions}"
                )))
            }
        }
    }
}
