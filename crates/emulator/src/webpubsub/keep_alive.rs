//! The service's pings, and the end of clients that do not respond to them (client protocols, section 11).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::outbox::Outbox;
use crate::clock::Clock;
use crate::clock::real_time::Stopwatch;

/// The intervals of the real service are not documented.
const INTERVAL: Duration = Duration::from_secs(20);
const MAX_PENDING: u32 = 3;

/// Counts pings instead of time, so that advancing the clock by hours does not disconnect clients.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    pending: AtomicU32,
    /// Whether a frame of the client is being handled. Further ones are not read meanwhile.
    handling: AtomicBool,
}

impl KeepAlive {
    /// Records that the client has sent something.
    pub(super) fn received(&self) {
        self.pending.store(0, Ordering::Relaxed);
    }

    /// Records whether a frame of the client is being handled.
    pub(super) fn handling(&self, is_busy: bool) {
        self.handling.store(is_busy, Ordering::Relaxed);
    }

    /// Pings the client. Returns once too many pings have had no response, and logs what the emulator contributed to that.
    pub(super) async fn lost(&self, connection: &str, outbox: &Outbox, clock: &Clock) {
        let watch = Stopwatch::start();
        loop {
            clock.sleep(INTERVAL).await;
            if self.pending.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING {
                let (unsent, handling) = (outbox.queued(), self.handling.load(Ordering::Relaxed));
                let connected_for = watch.elapsed();
                tracing::warn!(connection, unsent, handling, ?connected_for, "a client responded to no ping");
                return;
            }
            outbox.push(Message::Ping(Bytes::new()));
        }
    }
}
