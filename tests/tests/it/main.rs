//! Tests that need more than one crate, by subject: clients together, the fault server, recordings, examples, and the demo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod bridges;
mod core;
mod coverage;
mod demo;
mod eventgrid;
mod eventgrid_push;
mod examples;
mod from_env;
mod fuzz;
mod hello;
mod hulft;
mod logged;
mod metrics;
mod otel_traces;
mod recipes;
mod recordings;
mod secrets;
mod tls;
mod traces;
mod webpubsub;
