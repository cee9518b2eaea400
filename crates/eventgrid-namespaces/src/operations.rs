//! The operations of the data plane, as requests are built from them. Names and paths are those of the service's OpenAPI
//! document of api-version 2024-06-01.

use http::Method;
use service_core::Operation;

/// The api-version that is sent unless the builder is told another one.
pub const API_VERSION: &str = "2024-06-01";

/// Publishes one event, in structured or binary mode. Repeating it may deliver the event twice, under the same source and
/// id: the service promises no more than at least once anyway, and consumers tell duplicates by those two.
pub static PUBLISH: Operation = publish("PublishCloudEvent");

/// Publishes a batch of events, which the service takes as a whole. Repeating it is as repeating [`PUBLISH`].
pub static PUBLISH_BATCH: Operation = publish("PublishCloudEvents");

/// The two differ in their content types alone.
const fn publish(id: &'static str) -> Operation {
    Operation::new(id, Method::POST, "/topics/{topicName}:publish").query(&["api-version"]).idempotent()
}
/// Receives events and locks them. Not idempotent: a repeat locks other events, while those of a lost answer stay locked.
pub static RECEIVE: Operation = Operation::new(
    "ReceiveCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:receive",
)
.query(&["api-version", "maxEvents", "maxWaitTime"]);

/// Acknowledges received events. Repeating it leaves the same end state: a token that is settled stays settled.
pub static ACKNOWLEDGE: Operation = Operation::new(
    "AcknowledgeCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:acknowledge",
)
.query(&["api-version"])
.idempotent();

/// Releases received events. A repeat finds the token lost, and moves no event that has been received again by then.
pub static RELEASE: Operation = Operation::new(
    "ReleaseCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:release",
)
.query(&["api-version", "releaseDelayInSeconds"])
.idempotent();

/// Rejects received events. Repeating it leaves the same end state: a token that is settled stays settled.
pub static REJECT: Operation = Operation::new(
    "RejectCloudEvents",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:reject",
)
.query(&["api-version"])
.idempotent();

/// Renews locks. A repeat only starts the lock's time once more.
pub static RENEW_LOCK: Operation = Operation::new(
    "RenewCloudEventLocks",
    Method::POST,
    "/topics/{topicName}/eventsubscriptions/{eventSubscriptionName}:renewLock",
)
.query(&["api-version"])
.idempotent();

/// All of them.
pub static ALL: [&Operation; 7] =
    [&PUBLISH, &PUBLISH_BATCH, &REJECT, &ACKNOWLEDGE, &RELEASE, &RENEW_LOCK, &RECEIVE];
