//! The service's pings, and the end of clients that do not respond to them (client protocols, section 11).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::outbox::Outbox;
use crate::clock::Clock;

/// The intervals of the real service are not documented.
const INTERVAL: Duration = Duration::from_secs(20);
const MAX_PENDING: u32 = 3;

/// Counts pings instead of time, so that advancing the clock by hours does not disconnect clients.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    pending: AtomicU32,
}

impl KeepAlive {
    /// Records that the client has sent something.
    pub(super) fn received(&self) {
        self.pending.store(0, Ordering::Relaxed);
    }

    /// Pings the client. Returns once too many pings have had no response.
    pub(super) async fn lost(&self, outbox: &Outbox, clock: &Clock) {
        loop {
            clock.sleep(INTERVAL).await;
            if self.pending.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING {
                return;
            }
            outbox.push(Message::Ping(Bytes::new()));
        }
    }
}
