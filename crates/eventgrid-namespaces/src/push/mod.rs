//! Push delivery: the webhook that receives the events which Event Grid pushes, without a framework or as a `tower` service.
//!
//! A [`Webhook`] responds to the [validation
//! handshake](https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema), authenticates deliveries
//! before it reads their bodies, and calls a [`Handler`](crate::Handler), the same trait as that of the
//! [`Processor`](crate::Processor). It accepts single events, batches, and binary mode.
//!
//! # Responses
//!
//! Event Grid decides by the status whether it delivers again. A batch has one status for all of its events.
//!
//! | Outcome | Status | Event Grid |
//! |---|---|---|
//! | every event is acknowledged | 200 | is done |
//! | an event is released, its handler exceeds the deadline, or signing keys are unavailable | 503 | retries after 30 s or more |
//! | a handler fails or panics | 500 | retries after 10 s or more |
//! | an event is rejected, cannot be read, or has other data than a typed handler expects | 400 | dead-letters or drops the request's events |
//! | the token or secret is invalid | 401 | dead-letters or drops the request's events |
//! | the body exceeds the limit | 413 | dead-letters or drops the request's events |
//!
//! If the events of a batch have different outcomes, a retry has precedence over a rejection: all events are then delivered
//! again, so handlers must tolerate duplicates. A rejected event of a batch takes the events with it that were already handled;
//! they appear among the dead letters too.
//!
//! # Limits of push delivery
//!
//! Event Grid decides when it retries, so the delay of a [release](crate::Settlement::Release) has no effect, which a
//! [`Notice`] reports. There is no lock: [`Context::is_lock_lost`](crate::Context::is_lock_lost) is always `false`, and
//! [`EventDelivery::lock_token`](crate::EventDelivery::lock_token) is empty. The delivery count is that of the header
//! `aeg-delivery-count`, which can be one less than the number of deliveries.

mod authentication;
mod body;
mod builder;
mod deliver;
mod measure;
mod notice;
mod origin;
mod rejection;
mod service;
#[cfg(feature = "push-entra")]
mod token;
mod webhook;

pub use builder::{DEFAULT_BODY_LIMIT, WebhookBuilder};
pub use deliver::PendingDelivery;
pub use notice::Notice;
pub use service_core::ResponseBody;
#[cfg(feature = "push-entra")]
pub use token::{EntraKeys, EntraKeysBuilder, EntraToken, KeySource, VerificationKey};
pub use webhook::{Check, Handled, Webhook};
