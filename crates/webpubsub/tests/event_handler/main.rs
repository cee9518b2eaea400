//! The webhook handler as the service sees it: requests from the reference, and responses compared with it.
#![cfg(feature = "event-handler")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod building;
mod connecting;
mod example;
mod limits;
mod logs;
mod mounts;
mod mqtt;
mod notifications;
mod random;
mod signatures;
mod support;
mod user_events;
mod validation;
