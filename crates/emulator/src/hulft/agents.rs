//! The Agents that are connected to the service, and the transfers that end when one of them is cut off.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use super::State;
use super::errors::{Failure, empty};
use super::paging::Page;
use super::routes::Call;
use crate::server::Reply;

/// The first version that accepts a disconnection.
const DISCONNECTABLE: [u32; 3] = [1, 2, 0];

/// Which way an Agent transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the HULFT host to the service.
    Send,
    /// From the service to the HULFT host.
    Receive,
}

/// An Agent: the vendor's program beside a HULFT host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The Agent ID.
    pub agent_id: String,
    /// Which way it transfers.
    pub direction: Direction,
    /// The Connection IDs with which it connected.
    pub connection_ids: Vec<String>,
    /// The access point to which it is connected.
    pub endpoint: String,
    /// Its version, such as `2.0.0`. One before 1.2.0 cannot be disconnected.
    pub agent_version: String,
}

/// An Agent with its session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectedAgent {
    /// The Agent.
    pub agent: Agent,
    /// The session between it and the service.
    pub session_id: String,
    /// When it connected.
    pub connected_at: SystemTime,
}

/// How a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferState {
    /// It is under way.
    Running,
    /// Its Agent was disconnected before the end.
    EndedAbnormally,
}

/// A transfer of an Agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// The processing identifier.
    pub processing_id: String,
    /// The session of its Agent.
    pub session_id: String,
    /// How it stands.
    pub state: TransferState,
}

#[derive(Debug, Default)]
pub(super) struct Agents {
    connected: Vec<ConnectedAgent>,
    transfers: Vec<Transfer>,
}

impl Agents {
    pub(super) fn connect(&mut self, agent: Agent, now: SystemTime) -> String {
        let mut bytes = [0; 30];
        fastrand::fill(&mut bytes);
        let session_id = URL_SAFE_NO_PAD.encode(bytes);
        self.connected.push(ConnectedAgent { agent, session_id: session_id.clone(), connected_at: now });
        session_id
    }

    pub(super) fn connected(&self) -> &[ConnectedAgent] {
        &self.connected
    }

    pub(super) fn start_transfer(&mut self, session_id: &str) -> Option<String> {
        self.connected.iter().find(|agent| agent.session_id == session_id)?;
        let processing_id = processing_id();
        self.transfers.push(Transfer {
            processing_id: processing_id.clone(),
            session_id: session_id.to_owned(),
            state: TransferState::Running,
        });
        Some(processing_id)
    }

    pub(super) fn transfers(&self) -> &[Transfer] {
        &self.transfers
    }

    /// Both have to be what the status call returned; a running transfer of the Agent ends abnormally.
    fn disconnect(&mut self, body: &Disconnection) -> Result<(), Failure> {
        let same = |agent: &ConnectedAgent| {
            agent.session_id == body.session_id && agent.agent.endpoint == body.endpoint
        };
        let index = self.connected.iter().position(same).ok_or_else(Failure::unknown_session)?;
        let version = &self.connected[index].agent.agent_version;
        if !can_be_disconnected(version) {
            return Err(Failure::cannot_disconnect(version));
        }
        self.connected.remove(index);
        for transfer in self.transfers.iter_mut().filter(|transfer| transfer.session_id == body.session_id) {
            transfer.state = TransferState::EndedAbnormally;
        }
        Ok(())
    }
}

/// GET `/agent/status` and `/agent/status/{direction}`.
pub(super) fn status(state: &mut State, call: &Call<'_>) -> Result<Reply, Failure> {
    let direction = match call.parameters.first() {
        None => None,
        Some(&"send") => Some(Direction::Send),
        Some(&"receive") => Some(Direction::Receive),
        Some(_) => return Err(Failure::invalid_parameter("direction", "'send' or 'receive'")),
    };
    let page = Page::read(call.request)?;
    let asked_for = |agent: &&ConnectedAgent| direction.is_none_or(|wanted| agent.agent.direction == wanted);
    let rows: Vec<_> = state.agents.connected.iter().filter(asked_for).map(AgentStatus::from).collect();
    page.reply("status", &rows)
}

/// POST `/agent/disconnection`.
pub(super) fn disconnection(state: &mut State, call: &Call<'_>) -> Result<Reply, Failure> {
    let content_type = call.request.header(CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Failure::invalid_body("The content type must be application/json."));
    }
    let body: Disconnection = serde_json::from_slice(&call.request.body)
        .map_err(|error| Failure::invalid_body(error.to_string()))?;
    state.agents.disconnect(&body)?;
    Ok(empty(StatusCode::OK))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Disconnection {
    session_id: String,
    endpoint: String,
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

impl<'a> From<&'a ConnectedAgent> for AgentStatus<'a> {
    fn from(connected: &'a ConnectedAgent) -> Self {
        let agent = &connected.agent;
        Self {
            agent_id: &agent.agent_id,
            direction: agent.direction,
            connection_id: &agent.connection_ids,
            endpoint: &agent.endpoint,
            start_connection: date_time(connected.connected_at),
            session_id: &connected.session_id,
            agent_version: &agent.agent_version,
            // A disconnection takes effect at once here, so no Agent is ever seen waiting for it.
            will_be_closed: false,
            supporting_disconnect_api: can_be_disconnected(&agent.agent_version),
        }
    }
}

/// As in the vendor's example, without an offset: in UTC, the default of `timezone`.
fn date_time(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");
    OffsetDateTime::from(time).format(format).unwrap_or_default()
}

fn can_be_disconnected(version: &str) -> bool {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts.is_some_and(|parts| parts.as_slice() >= DISCONNECTABLE.as_slice())
}

/// 34 upper-case hexadecimal digits, as in the vendor's examples.
fn processing_id() -> String {
    let mut bytes = [0u8; 17];
    fastrand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Agents as a small contract has them.
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
    fn agents_from_version_1_2_0_on_can_be_disconnected() {
        for version in ["1.2.0", "1.2.1", "1.10.0", "2.0.0", "10.0.0"] {
            assert!(can_be_disconnected(version), "{version}");
        }
        for version in ["1.1.9", "0.9.0", "1.1", "", "unknown"] {
            assert!(!can_be_disconnected(version), "{version}");
        }
    }

    #[test]
    fn ids_have_the_shapes_of_the_vendors_examples() {
        let mut agents = Agents::default();
        let [agent, ..] = samples();
        let session = agents.connect(agent, SystemTime::UNIX_EPOCH);
        assert_eq!(session.len(), 40);
        assert!(
            session.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
            "{session}"
        );
        let transfer = agents.start_transfer(&session).unwrap();
        assert_eq!(transfer.len(), 34);
        assert!(transfer.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')), "{transfer}");
        assert_eq!(agents.start_transfer("nobody"), None);
    }

    #[test]
    fn a_connection_time_is_written_in_utc_with_milliseconds() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_467_296_520_942);
        assert_eq!(date_time(time), "2016-06-30 14:22:00.942");
    }
}
