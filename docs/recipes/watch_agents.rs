//! Watches the agents of the contract, and disconnects one. Reads `HULFT_WEBCONNECT_API_KEY`. With an agent ID as its argument, it
//! disconnects this agent. Otherwise, it reports every minute which agents have connected or disconnected.
use std::collections::BTreeMap;
use std::time::Duration;

use hulft_webconnect::{Agent, BoxError, Result, SiteClient};

/// The connected agents by their session IDs. An agent that reconnects has a new session.
pub(crate) type Sessions = BTreeMap<String, Agent>;

pub(crate) async fn sessions(site: &SiteClient) -> Result<Sessions> {
    let agents = site.agents().list().all().await?;
    Ok(agents.into_iter().map(|agent| (agent.session_id.clone(), agent)).collect())
}

/// Returns one line per change.
pub(crate) fn changes(before: &Sessions, after: &Sessions) -> Vec<String> {
    let missing = |from: &Sessions, sign: &str, other: &Sessions| -> Vec<_> {
        let agents = from.iter().filter(|(session, _)| !other.contains_key(*session));
        agents.map(|(_, agent)| format!("{sign} {} ({})", agent.agent_id, agent.direction)).collect()
    };
    [missing(before, "-", after), missing(after, "+", before)].concat()
}

/// Disconnects all sessions of an agent, and returns their number. Transfers that are running end abnormally.
pub(crate) async fn disconnect(site: &SiteClient, agent_id: &str) -> Result<usize> {
    let all = sessions(site).await?;
    let agents: Vec<_> = all.values().filter(|agent| agent.agent_id == agent_id).collect();
    for agent in &agents {
        site.agents().disconnect_agent(agent).await?;
    }
    Ok(agents.len())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let site = SiteClient::from_env()?;
    if let Some(agent_id) = std::env::args().nth(1) {
        println!("{} sessions disconnected", disconnect(&site, &agent_id).await?);
        return Ok(());
    }
    let mut before = Sessions::new();
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        let after = sessions(&site).await?;
        changes(&before, &after).iter().for_each(|line| println!("{line}"));
        before = after;
    }
}
