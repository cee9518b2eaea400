//! The end of a session: closed by the program, or given up. Pending requests fail.

use std::time::Duration;

use service_core::Error;

use super::op::Op;
use super::{Session, Upstream};

impl Session {
    /// Closes the session. Requests in flight get a grace period for their acks.
    pub(in crate::client) fn close(&mut self, now: Duration) {
        if !self.lifecycle.drain(now) {
            self.stop(None);
        }
    }

    /// Returns whether the session is closing and no ack is outstanding.
    pub(in crate::client) fn is_drained(&self) -> bool {
        #[cfg(feature = "preview")]
        if self.publishers.is_ending() {
            return false;
        }
        self.lifecycle.is_draining() && self.outbox.is_empty()
    }

    pub(super) fn finish(&mut self, now: Duration) {
        self.fail_all();
        self.inbox.acknowledge_at_once(now);
        if let Some(id) = self.inbox.due_ack(now) {
            self.control.push_back(self.settings.protocol.encode(&Upstream::SequenceAck(id)));
        }
        self.lifecycle.finish(now);
    }

    fn fail_all(&mut self) {
        #[cfg(feature = "preview")]
        self.fail_streams();
        for op in self.outbox.take_all() {
            let error = Op::closed(op.name, op.written);
            if !op.is_rejoin() {
                self.settle(op, Err(error));
            }
        }
    }

    /// Stops the session, with an error unless the program closed it.
    pub(super) fn stop(&mut self, error: Option<Error>) {
        self.fail_all();
        self.lifecycle.stop(error);
    }

    /// Takes the error that stopped the session.
    pub(in crate::client) fn take_error(&mut self) -> Option<Error> {
        self.lifecycle.take_error()
    }
}
