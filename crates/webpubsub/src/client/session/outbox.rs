//! The requests of the program, from being queued to being acknowledged. Each keeps one ack id (client protocols, section 6).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::groups::Groups;
use super::op::Op;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// The rejoins of a new connection, which are written before all waiting requests.
    rejoins: VecDeque<Op>,
    /// Not written on the current connection.
    waiting: VecDeque<Op>,
    /// Written, but not acknowledged yet.
    written: BTreeMap<u64, Op>,
    /// The ids of `written` to retransmit after a recovery.
    retransmit: VecDeque<u64>,
    /// Written without an ack id, but perhaps not flushed yet.
    unflushed: Vec<Op>,
}

impl Outbox {
    pub(super) fn submit(&mut self, op: Op) {
        self.waiting.push_back(op);
    }

    /// Queues the rejoins of a new connection.
    pub(super) fn rejoin(&mut self, ops: Vec<Op>) {
        self.rejoins = ops.into();
    }

    pub(super) fn next_frame(&mut self, groups: &mut Groups) -> Option<Message> {
        while let Some(id) = self.retransmit.pop_front() {
            if let Some(op) = self.written.get(&id) {
                return Some(op.frame.clone());
            }
        }
        loop {
            let op = self.rejoins.pop_front().or_else(|| self.waiting.pop_front())?;
            if op.is_abandoned() {
                continue;
            }
            groups.written(&op);
            let frame = op.frame.clone();
            match op.ack_id {
                Some(id) => drop(self.written.insert(id, op)),
                None => self.unflushed.push(op),
            }
            return Some(frame);
        }
    }

    /// Takes the written requests without an ack id. After a flush they have been sent; if the connection ends before that,
    /// their outcome is unknown.
    pub(super) fn take_unflushed(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.unflushed)
    }

    pub(super) fn acked(&mut self, id: u64) -> Option<Op> {
        self.written.remove(&id)
    }

    /// Retransmits all unacknowledged requests after a recovery, in the order in which they were written. The service knows
    /// which ids it has processed. The order is that of the ids, except that rejoins come first.
    pub(super) fn recovered(&mut self) {
        let mut unacked: Vec<_> = self.written.iter().map(|(id, op)| (!op.is_rejoin(), *id)).collect();
        unacked.sort_unstable();
        self.retransmit = unacked.into_iter().map(|(_, id)| id).collect();
    }

    /// Handles the loss of a connection, with which the service forgets its ack ids. Returns the written requests that must not
    /// be retried. With `resend`, the callers' requests wait for the next connection under the same ids.
    pub(super) fn lost(&mut self, resend: bool) -> Vec<Op> {
        self.retransmit.clear();
        self.rejoins.clear();
        let written = std::mem::take(&mut self.written).into_values();
        let (kept, failed): (Vec<_>, _) = written.partition(|op| resend && !op.is_rejoin());
        kept.into_iter().rev().for_each(|op| self.waiting.push_front(op));
        failed
    }

    /// Removes the requests that timed out, and returns whether each was written.
    pub(super) fn expired(&mut self, now: Duration) -> Vec<(Op, bool)> {
        let mut expired = Vec::new();
        while let Some(entry) = self.written.first_entry().filter(|entry| entry.get().deadline <= now) {
            expired.push((entry.remove(), true));
        }
        for queue in [&mut self.rejoins, &mut self.waiting] {
            while queue.front().is_some_and(|op| op.deadline <= now) {
                expired.extend(queue.pop_front().map(|op| (op, false)));
            }
        }
        expired
    }

    /// Returns when the next request times out. All have the same timeout, so that is the oldest.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let written = self.written.first_key_value().map(|(_, op)| op.deadline);
        let waiting = [&self.rejoins, &self.waiting].into_iter().filter_map(|queue| queue.front());
        written.into_iter().chain(waiting.map(|op| op.deadline)).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.rejoins.len() + self.waiting.len();
        waiting == 0 && self.written.is_empty() && self.unflushed.is_empty()
    }

    /// Removes all requests, and returns whether each was written.
    pub(super) fn take_all(&mut self) -> Vec<(Op, bool)> {
        self.retransmit.clear();
        let written = std::mem::take(&mut self.written).into_values().chain(self.unflushed.drain(..));
        let written = written.map(|op| (op, true));
        let waiting = self.rejoins.drain(..).chain(self.waiting.drain(..)).map(|op| (op, false));
        written.chain(waiting).collect()
    }
}
