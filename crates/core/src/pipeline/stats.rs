//! What a client is doing at the moment, for health endpoints and autoscalers.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Pipeline;

/// Describes what a client is doing at the moment.
///
/// A client's `stats` returns it. Clones of a client share their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// The number of calls that have been sent and have not returned, including those that wait for a retry.
    pub calls_in_flight: usize,
    /// The number of tokens that are left for retries. A transient failure takes 14, a rejection 5, and success returns them.
    pub retry_tokens: u32,
    /// The number of tokens that a client starts with, which is also the maximum.
    pub max_retry_tokens: u32,
}

impl Pipeline {
    /// Returns what the client is doing at the moment.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        ClientStats {
            calls_in_flight: self.inner.in_flight.load(Ordering::Relaxed),
            retry_tokens: self.inner.quota.left(),
            max_retry_tokens: crate::retry::Quota::CAPACITY,
        }
    }
}

/// Counts a call until it is dropped, so that cancelled calls do not stay in the count.
pub(super) struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    pub(super) fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
