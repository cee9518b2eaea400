//! The integration tests of the emulator, on real sockets. All tests are in one binary, which links once.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers fail their test, and builds with fewer features use fewer of them"
)]

#[cfg(all(feature = "webpubsub", feature = "eventgrid", feature = "hulft"))]
mod all_services;
mod common;
#[cfg(feature = "eventgrid")]
mod eventgrid;
#[cfg(feature = "hulft")]
mod hulft;
mod program;
mod server;
#[cfg(feature = "webpubsub")]
mod webpubsub;
