//! Small runs of chaos, endure, fleet, and soak. They take longest, so they are a separate binary: `cargo test` runs binaries one after another,
//! and these runs do not take time from tests with timeouts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod chaos;
mod endure;
mod fleet;
mod soak;
