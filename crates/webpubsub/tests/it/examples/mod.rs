//! The examples against the emulator, or as the service sees them.

mod send;
#[cfg(feature = "event-handler")]
mod webhook;
