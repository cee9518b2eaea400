//! Calls to webhooks, over http and https. Web PubSub calls its event handlers, and Event Grid pushes events.

mod call;
mod target;
mod trust;

pub(crate) use call::{NoResponse, Outgoing, call, is_transient};
pub(crate) use target::Target;
pub(crate) use trust::{Trust, certificates};
