//! The operations of the Site API, as requests are built from them. The vendor documents the statuses of success for all
//! operations together, so each accepts what its method may answer.

use http::Method;
use service_core::Operation;

/// Lists the agents that are connected now.
pub static LIST_AGENT_STATUS: Operation =
    Operation::new("ListAgentStatus", Method::GET, "/api/v2/agent/status")
        .query(&["startIndex", "maxResults"])
        .success(&[200, 204])
        .idempotent();

/// Lists the agents of one direction that are connected now.
pub static LIST_AGENT_STATUS_BY_DIRECTION: Operation =
    Operation::new("ListAgentStatusByDirection", Method::GET, "/api/v2/agent/status/{direction}")
        .query(&["startIndex", "maxResults"])
        .success(&[200, 204])
        .idempotent();

/// Disconnects an agent.
pub static DISCONNECT_AGENT: Operation =
    Operation::new("DisconnectAgent", Method::POST, "/api/v2/agent/disconnection")
        .success(&[200, 201, 202, 204]);

/// All of them.
pub static ALL: [&Operation; 3] = [&LIST_AGENT_STATUS, &LIST_AGENT_STATUS_BY_DIRECTION, &DISCONNECT_AGENT];
