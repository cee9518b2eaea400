//! How a session goes on after its connection was lost or an attempt to connect failed.

use std::time::Duration;

use service_core::{Delivery, Error, ErrorKind};

use super::lifecycle::{self, Loss, RECOVERY_ATTEMPT};
use super::{Event, Recovering, Session};
use crate::client::event::Disconnected;
use crate::client::measure::Reconnected;

impl Session {
    /// Handles the end of the WebSocket.
    pub(in crate::client) fn lost(&mut self, loss: Loss, now: Duration) {
        for op in self.outbox.take_unflushed() {
            let error = op.lost(self.inbox.is_behind());
            self.settle(op, Err(error));
        }
        self.blame(&loss);
        #[cfg(feature = "preview")]
        {
            self.end_invocations();
            self.streams_interrupted(loss.code, now);
        }
        let reason = loss.reason;
        let idle_for = now.saturating_sub(self.lifecycle.heard_at());
        let blocked_for = self.unflushed.take().map(|unflushed| now.saturating_sub(unflushed.since));
        tracing::debug!(code = loss.code, reason, ?idle_for, ?blocked_for, "connection lost");
        if self.lifecycle.is_ending() {
            return self.stop(None);
        }
        if self.is_recovering {
            self.measure.reconnected(Reconnected::Failed);
        }
        if self.connection.is_none() {
            let reason = self.disconnect_reason.take().unwrap_or(reason);
            return self.failed(not_connected(&reason), now);
        }
        let has_token = self.connection.as_ref().is_some_and(|known| known.reconnection_token.is_some());
        let recoverable = self.settings.protocol.is_reliable()
            && has_token
            && loss.code != Some(lifecycle::NOT_RECOVERABLE);
        self.lifecycle.note_loss(now);
        if recoverable && self.lifecycle.schedule_recovery(now) {
            return self.recovering(&reason);
        }
        if loss.code == Some(lifecycle::NOT_RECOVERABLE) && self.lifecycle.is_retrying() {
            self.lifecycle.recovery_rejected();
        }
        self.give_up(&reason, now);
    }

    /// Ends the request that made the service close the connection, so that it does not do so again after each recovery.
    pub(super) fn blame(&mut self, loss: &Loss) {
        if let Some(code) = loss.code
            && let Some(op) = self.outbox.closed(code)
        {
            self.groups.acked(&op, false);
            let error = op.blamed(code, &loss.reason);
            self.settle(op, Err(error));
        }
        self.outbox.interrupted();
    }

    pub(super) fn recovering(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.is_recovering, true)
            && let Some(connection) = &self.connection
        {
            let connection_id = connection.connection_id.clone();
            let reason = self.disconnect_reason.as_deref().unwrap_or(reason).to_owned();
            self.inbox.event(Event::Recovering(Recovering { connection_id, reason }));
        }
    }

    /// Handles a failed attempt to connect.
    pub(in crate::client) fn failed(&mut self, error: Error, now: Duration) {
        tracing::debug!(%error, "connection attempt failed");
        if self.has_connected {
            self.measure.reconnected(Reconnected::Failed);
        }
        if self.connection.is_some() {
            let is_rejected = error.is_rejected();
            self.lifecycle.hold_off(error.retry_after(), now);
            if is_rejected {
                self.lifecycle.recovery_rejected();
            }
            if is_rejected || !self.lifecycle.schedule_recovery(now) {
                self.give_up(&error.to_string(), now);
            }
        } else if !self.has_connected || (self.settings.fixed_access && error.is_rejected()) {
            self.stop(Some(error));
        } else {
            self.schedule_reconnect(error, now);
        }
    }

    /// Gives up the connection and schedules a new one.
    pub(super) fn give_up(&mut self, reason: &str, now: Duration) {
        let reason = self.disconnect_reason.take().unwrap_or_else(|| reason.to_owned());
        self.disconnected(&reason);
        self.schedule_reconnect(not_connected(&reason), now);
    }

    pub(super) fn progressed(&mut self) {
        self.lifecycle.progressed();
        self.disconnect_reason = None;
    }

    pub(super) fn schedule_reconnect(&mut self, error: Error, now: Duration) {
        if !self.lifecycle.schedule_reconnect(error.retry_after(), now) {
            self.stop(Some(error));
        }
    }

    /// Drops the state of the connection, and notifies callers and the program.
    pub(super) fn disconnected(&mut self, reason: &str) {
        self.inbox.forget_sequence();
        self.control.clear();
        self.due_ack = None;
        // Also those that were written after a recovery which turned out to be a new connection.
        #[cfg(feature = "preview")]
        self.end_invocations();
        for op in self.outbox.lost(self.settings.resend) {
            if !op.is_rejoin() {
                let error = op.lost(self.inbox.is_behind());
                self.settle(op, Err(error));
            }
        }
        // The states of a group that the client is leaving are not restored.
        #[cfg(feature = "preview")]
        let leaving: Vec<_> =
            self.states.groups().filter(|group| self.groups.is_leaving(group)).map(str::to_owned).collect();
        #[cfg(feature = "preview")]
        self.streams_lost();
        self.groups.lost();
        self.is_recovering = false;
        if let Some(connection) = self.connection.take() {
            let gone =
                Disconnected { connection_id: connection.connection_id.clone(), reason: reason.to_owned() };
            #[cfg(feature = "preview")]
            self.states.disconnected(&gone, |group| {
                self.settings.rejoin && !leaving.iter().any(|name| name == group)
            });
            let rejoins = |group: &str| self.settings.rejoin && self.groups.names().any(|name| name == group);
            #[cfg(feature = "preview")]
            self.incoming.disconnected(rejoins);
            self.subscriptions.disconnected(&gone, rejoins);
            self.inbox.disconnected(connection.connection_id, reason);
        }
    }
}

pub(super) fn not_connected(reason: &str) -> Error {
    let text = format!("the connection ended: {reason}");
    Error::new(ErrorKind::Transport, text).with_delivery(Delivery::NotSent)
}

pub(super) fn recovery_too_slow() -> Error {
    let text = format!("the connection was not recovered within {RECOVERY_ATTEMPT:?}");
    Error::new(ErrorKind::Timeout, text).with_delivery(Delivery::NotSent)
}

pub(super) fn silent() -> Loss {
    let reason = format!("no data received within {RECOVERY_ATTEMPT:?} after a recovery");
    Loss { code: None, reason }
}

pub(super) fn too_slow(limit: Duration) -> Error {
    let text = format!("the service did not send a `connected` frame within {limit:?}");
    Error::new(ErrorKind::Timeout, text).with_delivery(Delivery::NotSent)
}
