//! What a session does when a deadline has passed.

use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::lifecycle::{self, Loss};
use super::{Session, Upstream, losses};

/// The time without progress of a write that is logged.
const BLOCKED: Duration = Duration::from_secs(10);

impl Session {
    /// Handles everything that is due at `now`.
    pub(in crate::client) fn tick(&mut self, now: Duration) {
        let pending = self.is_connected().then(|| self.outbox.pending());
        for op in self.outbox.expired(now) {
            let error = op.expired(pending, self.inbox.is_behind());
            #[cfg(feature = "preview")]
            self.invocation_expired(&op);
            self.settle(op, Err(error));
        }
        #[cfg(feature = "preview")]
        self.streams_tick(now);
        self.log_blocked_write(now);
        if self.is_connected() {
            // Taken out here too: otherwise it would stay due for as long as the socket accepts no data.
            self.due_ack = self.inbox.due_ack(now).or(self.due_ack);
            if self.inbox.wants_replay() && !self.lifecycle.is_ending() {
                self.replay(now);
            }
        }
        match self.lifecycle.tick(now) {
            lifecycle::Tick::Nothing => {}
            lifecycle::Tick::Ping => self.control.push_back(self.settings.protocol.encode(&Upstream::Ping)),
            lifecycle::Tick::Idle => {
                let reason = format!("no data received for {:?}", self.settings.idle_timeout);
                self.lost(Loss { code: None, reason }, now);
            }
            lifecycle::Tick::NotConnected => {
                self.failed(losses::too_slow(self.settings.attempt_timeout), now);
            }
            lifecycle::Tick::RecoveryTimedOut => self.failed(losses::recovery_too_slow(), now),
            // The service must respond with a pong (RFC 6455, section 5.5.2).
            lifecycle::Tick::Probe => self.control.push_back(Message::Ping(Bytes::new())),
            lifecycle::Tick::Silent => self.lost(losses::silent(), now),
            lifecycle::Tick::NotRecovered => {
                self.give_up("the connection could not be recovered in time", now);
            }
        }
        if self.is_drained() || self.lifecycle.drained_long_enough(now) {
            self.finish(now);
        }
    }

    /// Logs that the socket does not accept what was written, such as the response to a ping.
    fn log_blocked_write(&mut self, now: Duration) {
        let Some(unflushed) = self.unflushed.as_mut().filter(|unflushed| !unflushed.is_logged) else {
            return;
        };
        let blocked_for = now.saturating_sub(unflushed.since);
        if blocked_for >= BLOCKED {
            unflushed.is_logged = true;
            tracing::warn!(?blocked_for, "the connection accepts no data, such as the response to a ping");
        }
    }

    /// Recovers the connection, so that the service sends the messages again that were dropped.
    fn replay(&mut self, now: Duration) {
        self.lifecycle.hurry();
        let reason = "messages that were dropped are received again".to_owned();
        self.lost(Loss { code: None, reason }, now);
    }

    /// Returns the latest time for the next `tick`.
    pub(in crate::client) fn deadline(&self) -> Option<Duration> {
        let ack = self.inbox.deadline().filter(|_| self.is_connected());
        let deadlines = [self.lifecycle.deadline(), ack, self.outbox.deadline()];
        #[cfg(feature = "preview")]
        let deadlines = deadlines.into_iter().chain([self.streams_deadline()]);
        deadlines.into_iter().flatten().min()
    }
}
