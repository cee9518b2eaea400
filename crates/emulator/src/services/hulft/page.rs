//! What the page shows of HULFT-WebConnect.

use crate::hulft::{ConnectedAgent, Direction, Hulft};
use crate::page::snapshot::{Agent, Listed, Snapshot};

/// Adds the Agents that are connected.
pub(super) fn add_to(snapshot: &mut Snapshot, service: &Hulft) {
    snapshot.agents = Some(Listed::new(service.agents().into_iter(), Agent::from));
}

impl From<ConnectedAgent> for Agent {
    fn from(connected: ConnectedAgent) -> Self {
        let agent = connected.agent;
        let direction = match agent.direction {
            Direction::Send => "send",
            Direction::Receive => "receive",
        };
        Self {
            id: agent.agent_id,
            direction,
            connection_ids: agent.connection_ids,
            endpoint: agent.endpoint,
            version: agent.agent_version,
        }
    }
}
