//! Tests of the client against a mock server, a service in virtual time, and the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failure in a test's helper fails the test"
)]

mod agents_example;
mod by_date;
mod common;
mod irregular_values;
mod lists;
mod rate_limit;
mod requests;
mod responses;
mod shared_rate_limit;
