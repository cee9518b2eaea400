//! Agents: the daemons beside HULFT hosts, as the service sees them.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
use service_core::{Call, Pipeline, read};

use crate::operations::{DISCONNECT_AGENT, LIST_AGENT_STATUS, LIST_AGENT_STATUS_BY_DIRECTION};
use crate::{Error, Result};

/// The agents that are connected to the service; made by [`SiteClient::agents`](crate::SiteClient::agents).
#[derive(Clone)]
pub struct Agents {
    pipeline: Pipeline,
}

impl Agents {
    pub(crate) fn new(pipeline: Pipeline) -> Self {
        Self { pipeline }
    }

    /// One page of the status list: the agents that are connected now. Needs the scope *Agent: Get*.
    ///
    /// Vendor documentation: Site API guide, `APIDetail/AgentConnectStatusAllGet`.
    pub fn status_page(&self) -> ListAgentStatus {
        ListAgentStatus::new(Call::new(&self.pipeline, &LIST_AGENT_STATUS, &[], page))
    }

    /// One page of the status list, of agents of one direction only. Needs the scope *Agent: Get*.
    ///
    /// Vendor documentation: Site API guide, `APIDetail/AgentConnectStatusDirGet`.
    pub fn status_page_of(&self, direction: &Direction) -> ListAgentStatus {
        let names = [("direction", direction.as_str())];
        ListAgentStatus::new(Call::new(&self.pipeline, &LIST_AGENT_STATUS_BY_DIRECTION, &names, page))
    }

    /// Disconnects an agent by force, by its session and the access point that it is connected to, both as the status list
    /// gives them. Needs the scope *Agent: Disconnect*, and an agent of version 1.2.0 or later.
    ///
    /// **A file transfer that is running on it ends abnormally.**
    ///
    /// Vendor documentation: Site API guide, `APIDetail/AgentDisconnectParameter`.
    ///
    /// # Errors
    ///
    /// An empty session id or endpoint, before anything is sent.
    pub fn disconnect(&self, session_id: impl Into<String>, endpoint: impl Into<String>) -> DisconnectAgent {
        let body = Disconnection { session_id: session_id.into(), endpoint: endpoint.into() };
        let mut call = Call::new(&self.pipeline, &DISCONNECT_AGENT, &[], read::nothing);
        for (what, value) in [("session id", &body.session_id), ("endpoint", &body.endpoint)] {
            if value.trim().is_empty() {
                call.check(Err(Error::invalid_input(what, "must not be empty", Some(value))));
            }
        }
        match serde_json::to_vec(&body) {
            Ok(body) => call.body("application/json", body),
            Err(error) => {
                call.check(Err(Error::invalid_input("session id", "is not JSON", None).with_source(error)));
            }
        }
        DisconnectAgent { call }
    }

    /// Disconnects an agent of the status list by force, as [`disconnect`](Self::disconnect) does.
    ///
    /// # Errors
    ///
    /// An agent that says it does not accept disconnection, before anything is sent.
    pub fn disconnect_agent(&self, agent: &Agent) -> DisconnectAgent {
        let mut request = self.disconnect(&agent.session_id, &agent.endpoint);
        if !agent.supports_disconnection {
            let rule = "does not accept disconnection: that needs agent version 1.2.0 or later";
            let named = format!("{} {}", agent.agent_id, agent.agent_version);
            request.call.check(Err(Error::invalid_input("agent", rule, Some(&named))));
        }
        request
    }
}

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agents").finish_non_exhaustive()
    }
}

/// One connected agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Agent {
    /// Agent ID.
    pub agent_id: String,
    /// Which way it transfers files.
    pub direction: Direction,
    /// The connection IDs that it connected with.
    #[serde(rename = "connectionId")]
    pub connection_ids: Vec<String>,
    /// The access point of the service that it is connected to.
    pub endpoint: String,
    /// When it connected, such as `2016-06-30 14:22:00.942`; the service tells no time zone.
    pub start_connection: String,
    /// The session between the agent and the service.
    pub session_id: String,
    /// Its version, such as `2.0.0`.
    pub agent_version: String,
    /// Whether a disconnection was requested already.
    #[serde(deserialize_with = "lenient_bool")]
    pub will_be_closed: bool,
    /// Whether it accepts disconnection.
    #[serde(rename = "supportingDisconnectApi", deserialize_with = "lenient_bool")]
    pub supports_disconnection: bool,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            agent_id: String::new(),
            direction: Direction::Other(String::new()),
            connection_ids: Vec::new(),
            endpoint: String::new(),
            start_connection: String::new(),
            session_id: String::new(),
            agent_version: String::new(),
            will_be_closed: false,
            supports_disconnection: false,
        }
    }
}

/// Which way an agent transfers files. Values that this crate does not know are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Direction {
    /// From the HULFT host to the service.
    Send,
    /// From the service to the HULFT host.
    Receive,
    /// Any other value.
    Other(String),
}

impl Direction {
    /// The value as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Other(value) => value,
        }
    }
}

impl From<String> for Direction {
    fn from(value: String) -> Self {
        match value.as_str() {
            "send" => Self::Send,
            "receive" => Self::Receive,
            _ => Self::Other(value),
        }
    }
}

impl From<Direction> for String {
    fn from(direction: Direction) -> Self {
        direction.as_str().to_owned()
    }
}

/// One page of the status list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AgentStatusPage {
    /// How many agents there are in all.
    pub total_size: u64,
    /// How many of them this page has.
    pub fetch_size: u64,
    /// The index of the page's first agent.
    pub start_index: u64,
    /// How many agents the page may have.
    pub max_results: u64,
    /// The agents.
    #[serde(rename = "status")]
    pub agents: Vec<Agent>,
}

/// Reads one page of the status list; made by [`Agents::status_page`] and [`Agents::status_page_of`].
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct ListAgentStatus {
    call: Call<AgentStatusPage>,
}

impl ListAgentStatus {
    fn new(mut call: Call<AgentStatusPage>) -> Self {
        call.accept("application/json");
        Self { call }
    }

    /// Starts at this row: 0 to 10,000. Default: 0.
    pub fn start_index(self, index: u32) -> Self {
        self.bounded("startIndex", index, 0, 10_000)
    }

    /// Asks for at most this many rows: 1 to 1,000. The service's default: 30.
    pub fn max_results(self, rows: u32) -> Self {
        self.bounded("maxResults", rows, 1, 1_000)
    }

    fn bounded(mut self, name: &'static str, value: u32, least: u32, most: u32) -> Self {
        if !(least..=most).contains(&value) {
            let rule = format!("must be between {least} and {most}");
            self.call.check(Err(Error::invalid_input(name, &rule, Some(&value.to_string()))));
        }
        self.call.query(name, value.to_string());
        self
    }
}

service_core::call_setters!(ListAgentStatus => AgentStatusPage);

/// Disconnects an agent; made by [`Agents::disconnect`] and [`Agents::disconnect_agent`].
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct DisconnectAgent {
    call: Call<()>,
}

service_core::call_setters!(DisconnectAgent => ());

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disconnection {
    session_id: String,
    endpoint: String,
}

/// A list that matches nothing comes as 204 without a body (the vendor lists 204 for GET, and no 404).
fn page(answer: &Response<Bytes>) -> Result<AgentStatusPage> {
    if answer.status() == StatusCode::NO_CONTENT {
        return Ok(AgentStatusPage::default());
    }
    read::json(answer)
}

/// The service writes some booleans as strings.
fn lenient_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Bool(bool),
        Text(String),
        Missing(()),
    }
    Ok(match Wire::deserialize(deserializer)? {
        Wire::Bool(value) => value,
        Wire::Text(text) => text.eq_ignore_ascii_case("true"),
        Wire::Missing(()) => false,
    })
}
