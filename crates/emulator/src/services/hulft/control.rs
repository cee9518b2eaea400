//! Operations of the control API on Agents and their transfers.

use serde_json::{Value, json};

use crate::config::hulft::AgentTable;
use crate::control::{Call, Outcome, Problem, Route, json as response, no_content};
use crate::hulft::{ConnectedAgent, Hulft, Transfer, TransferState};

pub(super) const ROUTES: &[Route] = &[
    Route("GET", "hulft/agents", agents),
    Route("POST", "hulft/agents", connect),
    Route("DELETE", "hulft/agents/{agent}", disconnect),
    Route("POST", "hulft/agents/{agent}/transfers", start_transfer),
    Route("GET", "hulft/transfers", transfers),
    Route("POST", "hulft/transfers/{transfer}/finish", finish_transfer),
];

fn agents(call: &Call<'_>) -> Outcome {
    let agents: Vec<_> = call.emulator.hulft().agents().iter().map(agent).collect();
    Ok(response(&json!({ "agents": agents })))
}

/// The body is an Agent of the settings file.
fn connect(call: &Call<'_>) -> Outcome {
    let table: AgentTable = call.body()?;
    call.emulator.hulft().connect_agent((&table).into());
    Ok(no_content())
}

fn disconnect(call: &Call<'_>) -> Outcome {
    let id = call.value("agent");
    let disconnected = call.emulator.hulft().disconnect_agents(id);
    if disconnected > 0 { Ok(no_content()) } else { Err(Problem::not_found("connected Agent", id)) }
}

/// Starts a transfer over the session of the Agent that was established first.
fn start_transfer(call: &Call<'_>) -> Outcome {
    let (hulft, id) = (call.emulator.hulft(), call.value("agent"));
    let session = session_of(&hulft, id).and_then(|session| hulft.start_transfer(&session));
    let processing_id = session.ok_or_else(|| Problem::not_found("connected Agent", id))?;
    Ok(response(&json!({ "processing_id": processing_id })))
}

fn transfers(call: &Call<'_>) -> Outcome {
    let transfers: Vec<_> = call.emulator.hulft().transfers().iter().map(transfer).collect();
    Ok(response(&json!({ "transfers": transfers })))
}

fn finish_transfer(call: &Call<'_>) -> Outcome {
    let id = call.value("transfer");
    let finished = call.emulator.hulft().finish_transfer(id);
    if finished { Ok(no_content()) } else { Err(Problem::not_found("running transfer", id)) }
}

fn session_of(hulft: &Hulft, id: &str) -> Option<String> {
    let agents = hulft.agents();
    agents.into_iter().find(|connected| connected.agent.agent_id == id).map(|connected| connected.session_id)
}

/// Without the session id, with which a client disconnects the Agent.
fn agent(connected: &ConnectedAgent) -> Value {
    let agent = &connected.agent;
    json!({
        "id": agent.agent_id,
        "direction": agent.direction,
        "connection_ids": agent.connection_ids,
        "endpoint": agent.endpoint,
        "version": agent.agent_version,
    })
}

fn transfer(transfer: &Transfer) -> Value {
    let state = match transfer.state {
        TransferState::Running => "running",
        TransferState::EndedNormally => "ended_normally",
        TransferState::EndedAbnormally => "ended_abnormally",
    };
    json!({ "processing_id": transfer.processing_id, "agent": transfer.agent.agent_id, "state": state })
}
