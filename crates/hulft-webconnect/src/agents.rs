//! Agents: the daemons that connect HULFT hosts to the service, as the service sees them.

use serde::{Deserialize, Serialize};

use crate::call::{Body, Call, handle, request};
use crate::lenient::{boolean, text, texts};
use crate::operations::{DISCONNECT_AGENT, LIST_AGENT_STATUS, LIST_AGENT_STATUS_BY_DIRECTION};
use crate::page::row;
use crate::{Direction, Error, Pager, Timestamp, read, rules};

handle! {
    /// Lists and disconnects agents. Created by [`SiteClient::agents`](crate::SiteClient::agents).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// # emulator.hulft().add_sample_agents();
    /// for agent in site.agents().list().all().await? {
    ///     println!("{} connected at {}", agent.agent_id, agent.start_connection);
    ///     if agent.supports_disconnection {
    ///         site.agents().disconnect_agent(&agent).await?;
    ///     }
    /// }
    /// # assert!(site.agents().list().all().await?.iter().all(|agent| !agent.supports_disconnection));
    /// # Ok(()) }
    /// ```
    Agents
}

impl Agents {
    /// Lists the agents that are currently connected. Requires the scope *Agent: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AgentConnectStatusAllGet.htm).
    pub fn list(&self) -> Pager<Agent> {
        Pager::new(&self.pipeline, &LIST_AGENT_STATUS, &[])
    }

    /// Lists the agents of one direction that are currently connected. Requires the scope *Agent: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AgentConnectStatusDirGet.htm).
    pub fn list_by_direction(&self, direction: &Direction) -> Pager<Agent> {
        let segments = [("direction", direction.as_str())];
        Pager::new(&self.pipeline, &LIST_AGENT_STATUS_BY_DIRECTION, &segments)
    }

    /// Disconnects an agent, identified by its session and by the access point that it is connected to. Both values
    /// come from the list of agents.
    ///
    /// **A file transfer that is running on the agent ends abnormally.** Requires the scope *Agent: Disconnect*, and an
    /// agent of version 1.2.0 or later. A request whose outcome is unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error if the session ID or the endpoint is empty; nothing is sent.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AgentDisconnectParameter.htm).
    pub fn disconnect(&self, session_id: impl Into<String>, endpoint: impl Into<String>) -> DisconnectAgent {
        let body = Disconnection { session_id: session_id.into(), endpoint: endpoint.into() };
        let mut call = Call::new(&self.pipeline, &DISCONNECT_AGENT, &[], read::done);
        call.check(rules::required("session id", &body.session_id));
        call.check(rules::required("endpoint", &body.endpoint));
        DisconnectAgent { call: call.with_body(body) }
    }

    /// Disconnects an agent that was returned by [`list`](Self::list). See [`disconnect`](Self::disconnect) for the
    /// effects.
    ///
    /// # Errors
    ///
    /// Returns an error if the agent does not support disconnection; nothing is sent.
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

/// Describes a connected agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Agent {
    /// The ID that is configured in the agent.
    #[serde(deserialize_with = "text")]
    pub agent_id: String,
    /// The direction that the agent transfers files in.
    pub direction: Direction,
    /// The connection IDs that the agent connected with.
    #[serde(rename = "connectionId", deserialize_with = "texts")]
    pub connection_ids: Vec<String>,
    /// The access point of the service that the agent is connected to.
    #[serde(deserialize_with = "text")]
    pub endpoint: String,
    /// When the agent connected.
    pub start_connection: Timestamp,
    /// Identifies the session between the agent and the service.
    #[serde(deserialize_with = "text")]
    pub session_id: String,
    /// The version that the agent reports, such as `2.0.0`.
    #[serde(deserialize_with = "text")]
    pub agent_version: String,
    /// Whether a disconnection was already requested.
    #[serde(deserialize_with = "boolean")]
    pub will_be_closed: bool,
    /// Whether the agent can be disconnected.
    #[serde(rename = "supportingDisconnectApi", deserialize_with = "boolean")]
    pub supports_disconnection: bool,
}

row!(Agent, "status", required { agent_id: "agentId" }, times start_connection);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disconnection {
    session_id: String,
    endpoint: String,
}

impl Body for Disconnection {}

request! {
    /// A request that disconnects an agent, created by [`Agents::disconnect`] or [`Agents::disconnect_agent`].
    DisconnectAgent => (), Disconnection
}
