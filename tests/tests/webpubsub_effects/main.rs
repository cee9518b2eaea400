//! Every operation of the service client on live connections over real sockets: what each of them then gets, is in, or may
//! do, and that the others are left alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod access;
mod existence;
mod hall;
mod membership;
mod permissions;
mod sends;
