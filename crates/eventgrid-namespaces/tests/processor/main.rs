//! The processor against a broker in virtual time: one program, since all of it needs that broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod broker;
mod failures;
mod flow;
mod locks;
mod poison;
mod pressure;
mod shutdown;
