//! The operations of the data plane, as requests are built from them. Names and paths are those of the service's OpenAPI
//! document of api-version 2024-06-01.

use http::Method;
use service_core::Operation;

/// The api-version that is sent unless the builder is told another one.
pub const API_VERSION: &str = "2024-06-01";

/// Rejects received events. Repeating it leaves the same end state: a token that is settled stays settled.
pub static REJECT: Operation = Operation::new(
    "RejectCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:reject",
)
.query(&["api-version"])
.idempotent();

/// All of them.
pub static ALL: [&Operation; 1] = [&REJECT];
