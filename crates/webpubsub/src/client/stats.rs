//! What a client is doing at the moment, for health endpoints and autoscalers.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::state::State;

/// Describes what a [`Client`](crate::Client) is doing at the moment; see [`Client::stats`](crate::Client::stats).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The state of the connection.
    pub state: State,
    /// The number of sends that were written and wait for their acknowledgments.
    pub sends_in_flight: usize,
    /// The number of sends that were not written yet, since there is no connection or too many are in flight.
    pub sends_waiting: usize,
    /// The number of events that the program has not received, without those of [subscriptions](super::Subscription).
    pub events_waiting: usize,
}

/// Numbers that the task writes and the handles read.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    in_flight: AtomicUsize,
    waiting: AtomicUsize,
    held: AtomicUsize,
}

/// The numbers of a session at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) in_flight: usize,
    pub(super) waiting: usize,
    /// The events that do not fit into the queue.
    pub(super) held: usize,
}

impl Numbers {
    pub(super) fn set(&self, counts: Counts) {
        self.in_flight.store(counts.in_flight, Ordering::Relaxed);
        self.waiting.store(counts.waiting, Ordering::Relaxed);
        self.held.store(counts.held, Ordering::Relaxed);
    }

    /// Returns the numbers together with those of the queue.
    pub(super) fn read(&self, state: State, queued: usize) -> Stats {
        Stats {
            state,
            sends_in_flight: self.in_flight.load(Ordering::Relaxed),
            sends_waiting: self.waiting.load(Ordering::Relaxed),
            events_waiting: self.held.load(Ordering::Relaxed) + queued,
        }
    }
}
