//! Lists and pace against a service in virtual time: one program, since both need that service.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod lists;
mod pacing;
mod service;
