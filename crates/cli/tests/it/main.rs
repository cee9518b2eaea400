//! The integration tests: they run the real program against the emulator, which runs in the test's process.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod conventions;
mod emulator;
#[cfg(feature = "entra")]
mod entra;
mod eventgrid;
mod hulft;
mod invoke;
mod program;
mod readme;
mod relay;
mod secrets;
mod terminal;
mod upstream;
mod webpubsub;
mod words;
