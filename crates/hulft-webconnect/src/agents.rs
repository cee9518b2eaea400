//! Agents: the daemons beside HULFT hosts, as the service sees them.

use serde::{Deserialize, Serialize};
use service_core::read;

use crate::call::{Body, Call, handle, request};
use crate::lenient::{boolean, or_default, texts};
use crate::operations::{DISCONNECT_AGENT, LIST_AGENT_STATUS, LIST_AGENT_STATUS_BY_DIRECTION};
use crate::page::row;
use crate::{Direction, Error, Pager, Timestamp, rules};

handle! {
    /// The agents that are connected to the service; made by [`SiteClient::agents`](crate::SiteClient::agents).
    Agents
}

impl Agents {
    /// The agents that are connected now. Needs the scope *Agent: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AgentConnectStatusAllGet.htm).
    pub fn list(&self) -> Pager<Agent> {
        Pager::new(&self.pipeline, &LIST_AGENT_STATUS, &[])
    }

    /// The agents of one direction that are connected now. Needs the scope *Agent: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AgentConnectStatusDirGet.htm).
    pub fn list_of(&self, direction: &Direction) -> Pager<Agent> {
        let names = [("direction", direction.as_str())];
        Pager::new(&self.pipeline, &LIST_AGENT_STATUS_BY_DIRECTION, &names)
    }

    /// Disconnects an agent by force, by its session and the access point that it is connected to, both as the status list
    /// gives them. Needs the scope *Agent: Disconnect*, and an agent of version 1.2.0 or later.
    ///
    /// **A file transfer that is running on it ends abnormally.** [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AgentDisconnectParameter.htm).
    ///
    /// # Errors
    ///
    /// An empty session id or endpoint, before anything is sent. Not repeated when its outcome is unknown.
    pub fn disconnect(&self, session_id: impl Into<String>, endpoint: impl Into<String>) -> DisconnectAgent {
        let body = Disconnection { session_id: session_id.into(), endpoint: endpoint.into() };
        let mut call = Call::new(&self.pipeline, &DISCONNECT_AGENT, &[], read::unit);
        call.check(rules::required("session id", &body.session_id));
        call.check(rules::required("endpoint", &body.endpoint));
        DisconnectAgent { call: call.with_body(body) }
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

/// One connected agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Agent {
    /// Agent ID.
    #[serde(deserialize_with = "or_default")]
    pub agent_id: String,
    /// Which way it transfers files.
    pub direction: Direction,
    /// The connection IDs that it connected with.
    #[serde(rename = "connectionId", deserialize_with = "texts")]
    pub connection_ids: Vec<String>,
    /// The access point of the service that it is connected to.
    #[serde(deserialize_with = "or_default")]
    pub endpoint: String,
    /// When it connected.
    pub start_connection: Timestamp,
    /// The session between the agent and the service.
    #[serde(deserialize_with = "or_default")]
    pub session_id: String,
    /// Its version, such as `2.0.0`.
    #[serde(deserialize_with = "or_default")]
    pub agent_version: String,
    /// Whether a disconnection was requested already.
    #[serde(deserialize_with = "boolean")]
    pub will_be_closed: bool,
    /// Whether it accepts disconnection.
    #[serde(rename = "supportingDisconnectApi", deserialize_with = "boolean")]
    pub supports_disconnection: bool,
}

row!(Agent, "status", |row, zone| { row.start_connection.set_time_zone(zone) });

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disconnection {
    session_id: String,
    endpoint: String,
}

impl Body for Disconnection {}

request! {
    /// Disconnects an agent; made by [`Agents::disconnect`] and [`Agents::disconnect_agent`].
    DisconnectAgent => (), Disconnection
}
