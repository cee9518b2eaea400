//! Azure Web PubSub: REST operations, WebSocket clients, event handlers, and faults.

mod clients;
pub(crate) mod common;
mod connect_events;
mod crowd;
mod events;
mod faults;
mod groups;
mod https_handlers;
mod keep_alive;
mod lists;
mod permissions;
mod previews;
mod program;
mod protobuf;
mod reliable;
mod rest;
mod sends;
mod socket_faults;
mod tokens;
mod validation;
