//! What the program wants to be sent, from being handed over to being acknowledged, with the one ack id that it has
//! (client protocols, section 6).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::groups::Groups;
use super::op::Op;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Joins of a new connection, which are written ahead of all that waits.
    rejoins: VecDeque<Op>,
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

    /// The groups of the connection before, on a new one.
    pub(super) fn rejoin(&mut self, ops: Vec<Op>) {
        self.rejoins = ops.into();
    }

    pub(super) fn next_frame(&mut self, groups: &mut Groups) -> Option<Message> {
        while let Some(id) = self.again.pop_front() {
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

    /// The connection is the old one, and the service knows which ids it has carried out: all of them go again, in the order
    /// in which they were written. That is the order of their ids, but for joins of the connection's beginning.
    pub(super) fn recovered(&mut self) {
        let mut again: Vec<_> = self.written.iter().map(|(id, op)| (!op.is_rejoin(), *id)).collect();
        again.sort_unstable();
        self.again = again.into_iter().map(|(_, id)| id).collect();
    }

    /// The connection is gone, and with it the service's memory. Gives back what nobody may send twice; with `resend`, the
    /// callers' wait for the next connection, under the same ids.
    pub(super) fn lost(&mut self, resend: bool) -> Vec<Op> {
        self.again.clear();
        self.rejoins.clear();
        let written = std::mem::take(&mut self.written).into_values();
        let (kept, given_back): (Vec<_>, _) = written.partition(|op| resend && !op.is_rejoin());
        kept.into_iter().rev().for_each(|op| self.waiting.push_front(op));
        given_back
    }

    /// Takes out what has waited for too long, and says whether it was written.
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

    /// When the next one has waited for too long. All wait equally long, so that the oldest is the first.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let written = self.written.first_key_value().map(|(_, op)| op.deadline);
        let waiting = [&self.rejoins, &self.waiting].into_iter().filter_map(|queue| queue.front());
        written.into_iter().chain(waiting.map(|op| op.deadline)).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.rejoins.len() + self.waiting.len();
        waiting == 0 && self.written.is_empty() && self.leaving.is_empty()
    }

    /// Everything, and whether it was written.
    pub(super) fn take_all(&mut self) -> Vec<(Op, bool)> {
        self.again.clear();
        let written = std::mem::take(&mut self.written).into_values().chain(self.leaving.drain(..));
        let written = written.map(|op| (op, true));
        let waiting = self.rejoins.drain(..).chain(self.waiting.drain(..)).map(|op| (op, false));
        written.chain(waiting).collect()
    }
}
