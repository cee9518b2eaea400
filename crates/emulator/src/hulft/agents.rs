//! The Agents that are connected to the service: listing and disconnecting them.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::State;
use super::body::{Body, required};
use super::call::Call;
use super::errors::{Rejection, done};
use super::paging::Page;
use super::rules::NOT_EMPTY;
use super::zones::Zone;
use crate::message::Response;

/// The first version that accepts a disconnection.
const DISCONNECTABLE: [u32; 3] = [1, 2, 0];

/// Says in which direction an Agent transfers files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The Agent sends files from the HULFT host to the service.
    Send,
    /// The Agent receives files from the service for the HULFT host.
    Receive,
}

/// Describes an Agent, the vendor's program that connects a HULFT host to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The Agent ID that identifies the Agent.
    pub agent_id: String,
    /// The direction in which the Agent transfers files.
    pub direction: Direction,
    /// The Connection IDs that the Agent used to connect.
    pub connection_ids: Vec<String>,
    /// The access point that the Agent is connected to.
    pub endpoint: String,
    /// The version that the Agent reports, such as `2.0.0`. An Agent before 1.2.0 cannot be disconnected through the
    /// API.
    pub agent_version: String,
}

/// Describes a connected Agent and its session. [`Hulft::agents`](super::Hulft::agents) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectedAgent {
    /// The Agent that is connected.
    pub agent: Agent,
    /// The id that identifies the session between the Agent and the service.
    pub session_id: String,
    /// The time at which the Agent connected, on the emulator's clock.
    pub connected_at: SystemTime,
}

/// The connected Agents, sorted by connection time.
#[derive(Debug, Default)]
pub(super) struct Agents(Vec<ConnectedAgent>);

impl Agents {
    pub(super) fn connect(&mut self, agent: Agent, now: SystemTime) -> String {
        let mut bytes = [0; 30];
        fastrand::fill(&mut bytes);
        let session_id = URL_SAFE_NO_PAD.encode(bytes);
        self.0.push(ConnectedAgent { agent, session_id: session_id.clone(), connected_at: now });
        session_id
    }

    pub(super) fn connected(&self) -> &[ConnectedAgent] {
        &self.0
    }

    pub(super) fn with_session(&self, session_id: &str) -> Option<&ConnectedAgent> {
        self.0.iter().find(|agent| agent.session_id == session_id)
    }

    /// Returns whether there was such a session.
    pub(super) fn remove(&mut self, session_id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|agent| agent.session_id != session_id);
        self.0.len() < before
    }
}

impl Direction {
    /// Parses the direction in a path.
    pub(super) fn read(text: &str) -> Result<Self, Rejection> {
        match text {
            "send" => Ok(Self::Send),
            "receive" => Ok(Self::Receive),
            _ => Err(Rejection::invalid_parameter("direction", "'send' or 'receive'")),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }
}

/// Handles GET `/agent/status` and `/agent/status/{direction}`.
pub(super) fn status(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let direction = call.parameters.first().map(|text| Direction::read(text)).transpose()?;
    let page = Page::read(call.request)?;
    let asked_for = |agent: &&ConnectedAgent| direction.is_none_or(|wanted| agent.agent.direction == wanted);
    let rows = state.agents.connected().iter().filter(asked_for);
    page.response("status", rows, |agent| AgentStatus::of(agent, page.zone))
}

/// Handles POST `/agent/disconnection`. Both members must match what the status call returned.
pub(super) fn disconnection(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let session_id = required(body.text("sessionId", &NOT_EMPTY)?, "sessionId")?;
    let endpoint = required(body.text("endpoint", &NOT_EMPTY)?, "endpoint")?;
    body.finish()?;
    let agent = state.agents.with_session(&session_id).map(|connected| &connected.agent);
    let agent = agent.filter(|agent| agent.endpoint == endpoint).ok_or_else(Rejection::unknown_session)?;
    if !can_be_disconnected(&agent.agent_version) {
        return Err(Rejection::cannot_disconnect(&agent.agent_version));
    }
    state.cut_off(&session_id, call.now);
    Ok(done())
}

impl State {
    /// Ends an Agent's session. A transfer that is running over it ends abnormally (section 4.3). Returns `false` if
    /// there is no such session.
    pub(super) fn cut_off(&mut self, session_id: &str, now: SystemTime) -> bool {
        for log in self.transfers.interrupt(session_id, now) {
            self.relay_logs.add(log);
        }
        self.agents.remove(session_id)
    }
}

/// A row of the status list, its members in the order of the vendor's example.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentStatus<'a> {
    agent_id: &'a str,
    direction: Direction,
    connection_id: &'a [String],
    endpoint: &'a str,
    start_connection: String,
    session_id: &'a str,
    agent_version: &'a str,
    will_be_closed: bool,
    supporting_disconnect_api: bool,
}

impl<'a> AgentStatus<'a> {
    fn of(connected: &'a ConnectedAgent, zone: Zone) -> Self {
        let agent = &connected.agent;
        Self {
            agent_id: &agent.agent_id,
            direction: agent.direction,
            connection_id: &agent.connection_ids,
            endpoint: &agent.endpoint,
            start_connection: zone.date_time(connected.connected_at),
            session_id: &connected.session_id,
            agent_version: &agent.agent_version,
            // A disconnection takes effect immediately here, so an Agent is never seen waiting for it.
            will_be_closed: false,
            supporting_disconnect_api: can_be_disconnected(&agent.agent_version),
        }
    }
}

fn can_be_disconnected(version: &str) -> bool {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts.is_some_and(|parts| parts.as_slice() >= DISCONNECTABLE.as_slice())
}

/// The Agents of a small contract.
pub(super) fn samples() -> [Agent; 4] {
    let tokyo = "service2.tokyo.webconnect.hulft.com";
    let california = "california-service1.webconnect.hulft.com";
    [
        sample("tokyo-send", Direction::Send, &["hq"], tokyo, "3.1.0"),
        sample("tokyo-receive", Direction::Receive, &["hq", "branch1"], tokyo, "3.1.0"),
        sample("california-receive", Direction::Receive, &["us1"], california, "2.0.0"),
        sample("factory-send", Direction::Send, &["factory"], tokyo, "1.1.3"),
    ]
}

fn sample(id: &str, direction: Direction, connection_ids: &[&str], endpoint: &str, version: &str) -> Agent {
    Agent {
        agent_id: id.to_owned(),
        direction,
        connection_ids: connection_ids.iter().map(|&id| id.to_owned()).collect(),
        endpoint: endpoint.to_owned(),
        agent_version: version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_of_version_1_2_0_or_later_can_be_disconnected() {
        for version in ["1.2.0", "1.2.1", "1.10.0", "2.0.0", "10.0.0"] {
            assert!(can_be_disconnected(version), "{version}");
        }
        for version in ["1.1.9", "0.9.0", "1.1", "", "unknown"] {
            assert!(!can_be_disconnected(version), "{version}");
        }
    }

    #[test]
    fn a_session_has_the_shape_of_the_vendors_example() {
        let mut agents = Agents::default();
        let [agent, ..] = samples();
        let session = agents.connect(agent, SystemTime::UNIX_EPOCH);
        assert_eq!(session.len(), 40);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(session.bytes().all(allowed), "{session}");
    }
}
