//! What the page shows of HULFT-WebConnect.

use crate::hulft::{self, ConnectedAgent, Direction, Hulft, TransferState};
use crate::page::snapshot::{Agent, Listed, Snapshot, Transfer};

/// Adds the Agents that are connected.
pub(super) fn add_to(snapshot: &mut Snapshot, service: &Hulft) {
    let filter = &snapshot.filter;
    let mut agents = service.agents();
    agents.retain(|connected| {
        let agent = &connected.agent;
        filter
            .shows(agent.connection_ids.iter().chain([&agent.agent_id, &agent.endpoint]).map(String::as_str))
    });
    let mut transfers = service.transfers();
    transfers.retain(|transfer| filter.shows([transfer.agent.agent_id.as_str(), &transfer.processing_id]));
    snapshot.transfers = Listed::new(transfers.into_iter().rev(), Transfer::from);
    snapshot.agents = Some(Listed::new(agents.into_iter(), Agent::from));
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

impl From<hulft::Transfer> for Transfer {
    fn from(transfer: hulft::Transfer) -> Self {
        let state = match transfer.state {
            TransferState::Running => "running",
            TransferState::EndedNormally => "ended normally",
            TransferState::EndedAbnormally => "ended abnormally",
        };
        Self { processing_id: transfer.processing_id, agent: transfer.agent.agent_id, state }
    }
}
