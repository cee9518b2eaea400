//! What the program wants to be sent, from being handed over to being acknowledged, with the one ack id that it has
//! (client protocols, section 6).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::groups::Groups;
use super::op::{Done, Op};

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Not written on any connection that could still be recovered.
    waiting: VecDeque<Op>,
    /// Written, and not acknowledged yet.
    written: BTreeMap<u64, Op>,
    /// What of `written` is to be written again after a recovery.
    again: VecDeque<u64>,
    /// Written without an ack id, and perhaps still in this process.
    leaving: Vec<Op>,
}

impl Outbox {
    pub(super) fn submit(&mut self, op: Op) {
        self.waiting.push_back(op);
    }

    /// Ahead of everything else that waits, in their order.
    pub(super) fn put_first(&mut self, ops: Vec<Op>) {
        ops.into_iter().rev().for_each(|op| self.waiting.push_front(op));
    }

    pub(super) fn next_frame(&mut self, groups: &mut Groups) -> Option<Message> {
        while let Some(id) = self.again.pop_front() {
            if let Some(op) = self.written.get(&id) {
                return Some(op.frame.clone());
            }
        }
        loop {
            let op = self.waiting.pop_front()?;
            if op.is_abandoned() {
                continue;
            }
            groups.written(&op);
            let frame = op.frame.clone();
            match op.ack_id {
                Some(id) => drop(self.written.insert(id, op)),
                None => self.leaving.push(op),
            }
            return Some(frame);
        }
    }

    /// What has no ack id, was written, and was not taken before: once everything is flushed it has left, and when the
    /// connection ends before that it may have.
    pub(super) fn take_leaving(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.leaving)
    }

    pub(super) fn acked(&mut self, id: u64) -> Option<Op> {
        self.written.remove(&id)
    }

    /// The connection is the old one, and the service knows which ids it has carried out: all of them go again.
    pub(super) fn recovered(&mut self) {
        self.again = self.written.keys().copied().collect();
    }

    /// The connection is gone, and with it the service's memory. Gives back what nobody may send twice; with `resend`, the
    /// callers' wait for the next connection, under the same ids.
    pub(super) fn lost(&mut self, resend: bool) -> Vec<Op> {
        self.again.clear();
        let written = std::mem::take(&mut self.written).into_values();
        let is_rejoin = |op: &Op| matches!(op.done, Done::Rejoin(_));
        self.waiting.retain(|op| !is_rejoin(op));
        let (kept, given_back) = written.partition(|op| resend && !is_rejoin(op));
        self.put_first(kept);
        given_back
    }

    /// Takes out what has waited for too long, and says whether it was written.
    pub(super) fn expired(&mut self, now: Duration) -> Vec<(Op, bool)> {
        let mut expired = Vec::new();
        while let Some(entry) = self.written.first_entry().filter(|entry| entry.get().deadline <= now) {
            expired.push((entry.remove(), true));
        }
        while self.waiting.front().is_some_and(|op| op.deadline <= now) {
            expired.extend(self.waiting.pop_front().map(|op| (op, false)));
        }
        expired
    }

    /// When the next one has waited for too long. All wait equally long, so that the oldest is the first.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let written = self.written.first_key_value().map(|(_, op)| op.deadline);
        let waiting = self.waiting.front().map(|op| op.deadline);
        written.into_iter().chain(waiting).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.written.is_empty() && self.leaving.is_empty()
    }

    /// Everything, and whether it was written.
    pub(super) fn take_all(&mut self) -> Vec<(Op, bool)> {
        self.again.clear();
        let written = std::mem::take(&mut self.written).into_values().chain(self.leaving.drain(..));
        let written = written.map(|op| (op, true));
        written.chain(self.waiting.drain(..).map(|op| (op, false))).collect()
    }
}
