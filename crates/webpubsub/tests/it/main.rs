//! The crate's integration tests as one binary, with one module per subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

#[cfg(feature = "client")]
mod client;
#[cfg(any(feature = "client", feature = "event-handler"))]
mod common;
#[cfg(feature = "event-handler")]
mod event_handler;
mod examples;
mod service;
