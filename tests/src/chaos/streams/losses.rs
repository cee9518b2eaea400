//! Ends connections of writers for good while they send.

use std::sync::atomic::{AtomicU64, Ordering};

use service_core::{BoxError, Result};
use service_emulator::{Emulator, SocketFault};
use webpubsub::ServiceClient;

use crate::chaos::HUB;

/// Ends a connection whenever so many parts have been sent: that of the writer that sends the next one. In turn, the service
/// closes it, or its socket is lost and the service rejects its recovery.
#[derive(Debug)]
pub(super) struct Losses {
    emulator: Emulator,
    service: ServiceClient,
    /// Never, if it is 0.
    every: u64,
    sent: AtomicU64,
    caused: AtomicU64,
}

impl Losses {
    pub(super) fn new(emulator: &Emulator, every: u64) -> Result<Self, BoxError> {
        let service = ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), HUB)?;
        let (sent, caused) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { emulator: emulator.clone(), service, every, sent, caused })
    }

    /// Counts a part that this user is about to send.
    pub(super) async fn sends(&self, user: &str) {
        let sent = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        if sent.checked_rem(self.every) != Some(0) {
            return;
        }
        let emulator = self.emulator.webpubsub();
        for connection in emulator.connections(HUB) {
            if connection.user_id.as_deref() != Some(user) {
                continue;
            }
            let id = connection.connection_id;
            let closes = self.caused().is_multiple_of(2);
            if !closes {
                self.emulator.faults().push_socket(SocketFault::reject_recovery().connection(&id));
                // It may have been cut already.
                emulator.drop_socket(HUB, &id);
            }
            if !closes || self.service.connection(&id).close().await.is_ok() {
                self.caused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many connections were ended for good.
    pub(super) fn caused(&self) -> u64 {
        self.caused.load(Ordering::Relaxed)
    }
}
