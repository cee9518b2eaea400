//! The crate's integration tests as one binary, with one module per subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod cloudevents;
mod common;
mod namespace;
mod observed;
mod processor;
#[cfg(feature = "push-entra")]
mod push;
mod receiver;
mod sas;
mod sender;
