//! How a session ends: closed by the program, or given up. Whoever still waits is told.

use std::time::Duration;

use service_core::Error;

use super::op::{Done, Op};
use super::{Session, Upstream};

impl Session {
    /// The program closes the client: what is under way gets a little time to be acknowledged.
    pub(in crate::client) fn close(&mut self, now: Duration) {
        if !self.life.drain(now) {
            self.stop(None);
        }
    }

    /// Whether the client is being closed and nothing that it has sent is to be acknowledged any more.
    pub(in crate::client) fn is_drained(&self) -> bool {
        self.life.is_draining() && self.outbox.is_empty()
    }

    pub(super) fn finish(&mut self, now: Duration) {
        self.fail_all();
        self.inbox.acknowledge_at_once(now);
        if let Some(id) = self.inbox.due_ack(now) {
            self.control.push_back(self.settings.protocol.encode(&Upstream::SequenceAck(id)));
        }
        self.life.finish(now);
    }

    fn fail_all(&mut self) {
        for (op, written) in self.outbox.take_all() {
            let error = Op::closed(op.name, written);
            if let Done::Caller { .. } = op.done {
                self.settle(op, Err(error));
            }
        }
    }

    /// The end, for that reason or because the program wanted it.
    pub(super) fn stop(&mut self, error: Option<Error>) {
        self.fail_all();
        self.life.stop(error);
    }

    /// Why the session has stopped; asked once.
    pub(in crate::client) fn verdict(&mut self) -> Option<Error> {
        self.life.verdict()
    }
}
