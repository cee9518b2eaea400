//! Pings of the service, and the end of clients that answer none (client protocols, section 11).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::outbox::Outbox;
use crate::clock::Clock;

/// The service's own times are not documented.
const INTERVAL: Duration = Duration::from_secs(20);
const MAX_UNANSWERED: u32 = 3;

/// Counts pings rather than time, so that a clock that is moved by hours loses nobody by itself.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    unanswered: AtomicU32,
}

impl KeepAlive {
    /// The client has sent something.
    pub(super) fn heard(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
    }

    /// Pings the client; returns once too many pings have brought nothing.
    pub(super) async fn lost(&self, outbox: &Outbox, clock: &Clock) {
        loop {
            clock.sleep(INTERVAL).await;
            if self.unanswered.fetch_add(1, Ordering::Relaxed) >= MAX_UNANSWERED {
                return;
            }
            outbox.push(Message::Ping(Bytes::new()));
        }
    }
}
