//! The operations of the data plane, from which requests are built. Names and paths are those of the service's OpenAPI document
//! of api-version 2024-06-01.

use http::Method;
use service_core::Operation;

/// Specifies the api-version that is sent unless the builder sets another one.
pub const API_VERSION: &str = "2024-06-01";

/// Publishes one event, in structured or binary mode.
///
/// A retry may deliver the event twice, with the same source and id. The service guarantees at-least-once delivery in any case,
/// and consumers detect duplicates by comparing source and id.
pub static PUBLISH: Operation = publish("PublishCloudEvent");

/// Publishes a batch of events, which the service accepts as a whole or not at all.
///
/// A retry has the same effect as one of [`PUBLISH`].
pub static PUBLISH_BATCH: Operation = publish("PublishCloudEvents");

/// The two operations differ only in their content types.
const fn publish(id: &'static str) -> Operation {
    Operation::new(id, Method::POST, "/topics/{topicName}:publish").query(&["api-version"]).idempotent()
}

/// Receives events and locks them.
///
/// Not idempotent: a retry would lock other events, while those of a lost response stay locked.
pub static RECEIVE: Operation = Operation::new(
    "ReceiveCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:receive",
)
.query(&["api-version", "maxEvents", "maxWaitTime"]);

/// Acknowledges received events.
///
/// A retry leads to the same state, since a settled token stays settled.
pub static ACKNOWLEDGE: Operation = Operation::new(
    "AcknowledgeCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:acknowledge",
)
.query(&["api-version"])
.idempotent();

/// Releases received events.
///
/// A retry finds the token lost and does not affect an event that has been received again in the meantime.
pub static RELEASE: Operation = Operation::new(
    "ReleaseCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:release",
)
.query(&["api-version", "releaseDelayInSeconds"])
.idempotent();

/// Rejects received events.
///
/// A retry leads to the same state, since a settled token stays settled.
pub static REJECT: Operation = Operation::new(
    "RejectCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:reject",
)
.query(&["api-version"])
.idempotent();

/// Renews the locks of received events.
///
/// A retry only restarts the lock duration.
pub static RENEW_LOCK: Operation = Operation::new(
    "RenewCloudEventLocks",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:renewLock",
)
.query(&["api-version"])
.idempotent();

/// Lists all operations.
pub static ALL: [&Operation; 7] =
    [&PUBLISH, &PUBLISH_BATCH, &REJECT, &ACKNOWLEDGE, &RELEASE, &RENEW_LOCK, &RECEIVE];
