//! The small runs of chaos and soak, which take the longest of all tests. They are a binary of their own, so that the other
//! tests of a plain `cargo test` do not compete with them for time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod chaos;
mod soak;
