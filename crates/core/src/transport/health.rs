//! What is known about the connections of one pool: the protocol they negotiated, and when something was last received.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify};

/// A connection that received nothing for this long while a call timed out takes no new calls.
const SILENCE: Duration = Duration::from_secs(5);
/// So do connections on which this many calls in a row timed out with nothing received in between.
const SILENT_CALLS: u32 = 2;

/// The protocol of a pool's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// No handshake has finished yet.
    Unknown,
    /// Each call needs a connection.
    Http1,
    /// All calls share one connection.
    Http2,
}

/// The state of one pool's connections.
#[derive(Debug)]
pub(super) struct Health {
    protocol: AtomicU8,
    /// How many handshakes have ended in HTTP/2.
    handshakes: AtomicU32,
    handshake: Mutex<()>,
    /// Wakes the calls that wait for a slot when they no longer need one.
    shared: Notify,
    /// When something was last received or a connection was established, in milliseconds of the clock.
    last_received: AtomicU64,
    silent_calls: AtomicU32,
    retired: AtomicU8,
}

impl Health {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol: AtomicU8::new(protocol as u8),
            handshakes: AtomicU32::new(0),
            handshake: Mutex::new(()),
            shared: Notify::new(),
            last_received: AtomicU64::new(0),
            silent_calls: AtomicU32::new(0),
            retired: AtomicU8::new(0),
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        match self.protocol.load(Ordering::Acquire) {
            0 => Protocol::Unknown,
            1 => Protocol::Http1,
            _ => Protocol::Http2,
        }
    }

    /// Records a finished handshake.
    pub(super) fn connected(&self, protocol: Protocol) {
        self.protocol.store(protocol as u8, Ordering::Release);
        if protocol == Protocol::Http2 {
            self.handshakes.fetch_add(1, Ordering::AcqRel);
            self.shared.notify_waiters();
        }
    }

    pub(super) fn handshakes(&self) -> u32 {
        self.handshakes.load(Ordering::Acquire)
    }

    /// Waits until no other call makes a handshake.
    pub(super) async fn handshake_turn(&self) -> MutexGuard<'_, ()> {
        self.handshake.lock().await
    }

    /// Completes once calls share a connection.
    pub(super) async fn until_shared(&self) {
        loop {
            let shared = self.shared.notified();
            if self.protocol() == Protocol::Http2 {
                return;
            }
            shared.await;
        }
    }

    /// Returns whether it matters when something was received: an HTTP/1.1 connection ends with the call that timed out on it.
    pub(super) fn is_watched(&self) -> bool {
        self.protocol() != Protocol::Http1
    }

    /// Records that part of a response arrived.
    pub(super) fn received(&self, now: Duration) {
        self.last_received.store(milliseconds(now), Ordering::Relaxed);
        self.silent_calls.store(0, Ordering::Relaxed);
    }

    /// Records that a call started at `started` timed out at `now`. Returns whether its connection should take no new calls.
    pub(super) fn timed_out(&self, started: Duration, now: Duration) -> bool {
        if self.protocol() != Protocol::Http2 {
            // A timed-out call takes its HTTP/1.1 connection with it.
            return false;
        }
        let last = self.last_received.load(Ordering::Relaxed);
        if last > milliseconds(started) {
            return false;
        }
        let calls = self.silent_calls.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        now.saturating_sub(started) >= SILENCE || calls >= SILENT_CALLS
    }

    /// Marks the pool as replaced. Returns whether it was not before.
    pub(super) fn retire(&self) -> bool {
        self.retired.swap(1, Ordering::AcqRel) == 0
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn http2() -> Health {
        let health = Health::new(Protocol::Unknown);
        health.connected(Protocol::Http2);
        health
    }

    #[test]
    fn a_connection_that_was_silent_for_five_seconds_takes_no_new_calls() {
        assert!(http2().timed_out(secs(10), secs(15)));
        let health = http2();
        health.received(secs(11));
        assert!(!health.timed_out(secs(10), secs(40)), "another call's response arrived meanwhile");
    }

    #[test]
    fn short_timeouts_need_two_calls_in_a_row() {
        let health = http2();
        assert!(!health.timed_out(secs(10), secs(11)));
        assert!(health.timed_out(secs(11), secs(12)));
        let health = http2();
        assert!(!health.timed_out(secs(10), secs(11)));
        health.received(secs(12));
        assert!(!health.timed_out(secs(13), secs(14)));
    }

    #[test]
    fn an_http1_connection_is_never_replaced() {
        let health = Health::new(Protocol::Http1);
        assert!(!health.timed_out(secs(0), secs(60)) && !health.timed_out(secs(60), secs(120)));
    }

    #[test]
    fn a_pool_is_retired_once() {
        let health = http2();
        assert!(health.retire() && !health.retire());
    }
}
