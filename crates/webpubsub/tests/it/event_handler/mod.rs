//! The webhook handler as the service sees it: requests from the reference, and responses compared with it.

mod building;
mod connecting;
mod limits;
mod logs;
#[cfg(feature = "preview")]
mod metadata;
mod mounts;
mod mqtt;
mod notifications;
mod panics;
mod random;
mod signatures;
pub(crate) mod support;
mod user_events;
mod validation;
