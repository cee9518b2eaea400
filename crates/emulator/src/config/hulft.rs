//! The section of HULFT-WebConnect: API keys, limits, Agents, and state that only the vendor's console shows.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer};

use super::rules::{checked, within};
use crate::hulft::keys::check_key;
use crate::hulft::{self, Agent, Direction, EndpointStatus, Scope};

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hulft {
    #[serde(deserialize_with = "api_key")]
    api_key: Option<String>,
    /// 0 disables the limit.
    requests_per_minute: Option<u32>,
    connection_id_limit: Option<usize>,
    #[serde(deserialize_with = "relay_logs")]
    relay_logs: usize,
    api_keys: Vec<ApiKey>,
    agents: Vec<AgentTable>,
    endpoints: Vec<Endpoint>,
}

#[derive(Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct ApiKey {
    #[serde(deserialize_with = "key")]
    key: String,
    #[serde(deserialize_with = "scopes")]
    scopes: Vec<Scope>,
}

/// An Agent to connect.
#[derive(Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentTable {
    #[serde(deserialize_with = "not_empty")]
    id: String,
    direction: DirectionName,
    connection_ids: Vec<String>,
    #[serde(default = "endpoint")]
    endpoint: String,
    #[serde(default = "version")]
    version: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum DirectionName {
    Send,
    Receive,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    #[serde(deserialize_with = "known_endpoint")]
    name: String,
    status: Status,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Normal,
    PerformanceIssues,
    Disrupted,
}

impl Hulft {
    pub(super) fn arrange(
        &self,
        service: &hulft::Hulft,
        now: SystemTime,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        if let Some(key) = &self.api_key {
            service.set_api_key(key)?;
        }
        if let Some(limit) = self.requests_per_minute {
            service.rate_limit(Some(limit).filter(|limit| *limit > 0));
        }
        if let Some(limit) = self.connection_id_limit {
            service.connection_id_limit(limit);
        }
        service.add_relay_logs_until(self.relay_logs, now);
        for ApiKey { key, scopes } in &self.api_keys {
            service.add_api_key(key, scopes);
        }
        for agent in &self.agents {
            service.connect_agent(agent.into());
        }
        for Endpoint { name, status } in &self.endpoints {
            service.set_service_status(name, (*status).into());
        }
        Ok(())
    }
}

impl Hulft {
    /// Adds other settings, which win.
    pub(super) fn override_with(&mut self, others: &Self) {
        let others = others.clone();
        self.api_key = others.api_key.or(self.api_key.take());
        self.requests_per_minute = others.requests_per_minute.or(self.requests_per_minute);
        self.connection_id_limit = others.connection_id_limit.or(self.connection_id_limit);
        self.api_keys.retain(|own| others.api_keys.iter().all(|other| other.key != own.key));
        self.api_keys.extend(others.api_keys);
        self.agents.extend(others.agents);
        self.endpoints.extend(others.endpoints);
    }

    /// Changes the service from the settings before. Sample logs are not added again.
    pub(super) fn update(
        &self,
        old: &Self,
        service: &hulft::Hulft,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        // What is no longer set returns to the initial value.
        if let Some(key) = self.api_key.as_deref().or(old.api_key.as_ref().map(|_| hulft::API_KEY)) {
            service.set_api_key(key)?;
        }
        if self.requests_per_minute != old.requests_per_minute {
            let limit = self.requests_per_minute.unwrap_or(hulft::REQUESTS_PER_MINUTE);
            service.rate_limit(Some(limit).filter(|limit| *limit > 0));
        }
        let initial = old.connection_id_limit.map(|_| hulft::CONNECTION_ID_LIMIT);
        if let Some(limit) = self.connection_id_limit.or(initial) {
            service.connection_id_limit(limit);
        }
        let kept = |old: &ApiKey| self.api_keys.iter().any(|new| new.key == old.key);
        for ApiKey { key, .. } in old.api_keys.iter().filter(|key| !kept(key)) {
            service.remove_api_key(key);
        }
        for ApiKey { key, scopes } in &self.api_keys {
            service.add_api_key(key, scopes);
        }
        let mut added: Vec<_> = self.agents.iter().collect();
        for agent in &old.agents {
            match added.iter().position(|new| *new == agent) {
                Some(unchanged) => drop(added.remove(unchanged)),
                None => disconnect(service, &agent.into()),
            }
        }
        for agent in added {
            service.connect_agent(agent.into());
        }
        let named = |name: &str| self.endpoints.iter().any(|endpoint| endpoint.name == name);
        for Endpoint { name, .. } in old.endpoints.iter().filter(|endpoint| !named(&endpoint.name)) {
            service.set_service_status(name, EndpointStatus::Normal);
        }
        for Endpoint { name, status } in &self.endpoints {
            service.set_service_status(name, (*status).into());
        }
        Ok(())
    }
}

/// Disconnects one session of exactly this Agent.
fn disconnect(service: &hulft::Hulft, agent: &Agent) {
    if let Some(connected) = service.agents().iter().find(|connected| connected.agent == *agent) {
        service.disconnect_agent(&connected.session_id);
    }
}

impl fmt::Debug for Hulft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hulft").finish_non_exhaustive()
    }
}

impl From<&AgentTable> for Agent {
    fn from(table: &AgentTable) -> Self {
        let direction = match table.direction {
            DirectionName::Send => Direction::Send,
            DirectionName::Receive => Direction::Receive,
        };
        Self {
            agent_id: table.id.clone(),
            direction,
            connection_ids: table.connection_ids.clone(),
            endpoint: table.endpoint.clone(),
            agent_version: table.version.clone(),
        }
    }
}

impl From<Status> for EndpointStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Normal => Self::Normal,
            Status::PerformanceIssues => Self::PerformanceIssues,
            Status::Disrupted => Self::Disrupted,
        }
    }
}

fn endpoint() -> String {
    "service2.tokyo.webconnect.hulft.com".to_owned()
}

fn version() -> String {
    "3.1.0".to_owned()
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |key: &String| check_key(key))
}

fn api_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    key(deserializer).map(Some)
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |text: &String| if text.is_empty() { Err("must not be empty") } else { Ok(()) })
}

/// At most as many as the log keeps.
fn relay_logs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    within(deserializer, &(0..=hulft::MAX_RELAY_LOGS))
}

fn known_endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |name: &String| {
        if hulft::is_endpoint(name) { Ok(()) } else { Err(format!("unknown endpoint '{name}'")) }
    })
}

/// A list of scope names, such as `"Agent: Get"`, or `"all"`.
fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scope>, D::Error> {
    let names = checked(deserializer, |names: &Vec<String>| {
        match names.iter().find(|name| *name != "all" && scope(name).is_none()) {
            None => Ok(()),
            Some(name) => Err(format!("unknown scope '{name}', expected one of: all, {}", known_scopes())),
        }
    })?;
    if names.iter().any(|name| name == "all") {
        return Ok(Scope::ALL.to_vec());
    }
    Ok(names.iter().filter_map(|name| scope(name)).collect())
}

fn scope(name: &str) -> Option<Scope> {
    Scope::ALL.iter().find(|scope| scope.to_string() == name).copied()
}

fn known_scopes() -> String {
    Scope::ALL.iter().map(Scope::to_string).collect::<Vec<_>>().join(", ")
}
