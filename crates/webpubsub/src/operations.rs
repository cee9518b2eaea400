//! The operations of the REST API, as requests are built from them. Names and paths are those of the service's OpenAPI
//! document of api-version 2024-12-01.

use http::Method;
use service_core::Operation;

/// The api-version that is sent unless the builder is told another one.
pub const API_VERSION: &str = "2024-12-01";

/// Closes one connection; one that is not there is closed already.
pub static CLOSE_CONNECTION: Operation =
    Operation::new("WebPubSub_CloseConnection", Method::DELETE, "/api/hubs/{hub}/connections/{connectionId}")
        .query(&["api-version", "reason"])
        .success(&[204])
        .idempotent();

/// Closes the connections of a group.
pub static CLOSE_GROUP_CONNECTIONS: Operation = Operation::new(
    "WebPubSub_CloseGroupConnections",
    Method::POST,
    "/api/hubs/{hub}/groups/{group}/:closeConnections",
)
.query(&["api-version", "excluded", "reason"])
.success(&[204])
.idempotent();

/// Closes the connections of a user.
pub static CLOSE_USER_CONNECTIONS: Operation = Operation::new(
    "WebPubSub_CloseUserConnections",
    Method::POST,
    "/api/hubs/{hub}/users/{userId}/:closeConnections",
)
.query(&["api-version", "excluded", "reason"])
.success(&[204])
.idempotent();

/// All of them.
pub static ALL: [&Operation; 3] = [&CLOSE_CONNECTION, &CLOSE_GROUP_CONNECTIONS, &CLOSE_USER_CONNECTIONS];
