//! Effects of the REST operations on live connections, and the WebSocket client and the event handler against the emulator.

mod access;
mod client_tls;
mod closing;
mod event_handler;
mod existence;
mod hall;
mod membership;
mod permissions;
mod sends;
