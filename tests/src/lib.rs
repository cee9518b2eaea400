//! What needs more than one crate: a WebSocket client that shares no code with ours, a server that misbehaves to the byte,
//! the demo as a library, so that a test can break what it promises, the comparison of clients with documents, players
//! of recorded exchanges, the runs of the official SDKs, and fuzz targets.

pub mod chaos;
pub mod coverage;
pub mod crowd;
pub mod cutter;
pub mod deliveries;
pub mod demo;
pub mod endure;
pub mod fault_server;
pub mod fleet;
pub mod fuzz;
pub mod interop;
pub mod recordings;
pub mod secrets;
pub mod soak;
pub mod socket;
mod stream_parts;
pub mod tls;

/// The code of the top page, which no published crate holds.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub mod readme {}
