//! The groups that the connection is in, in the order in which it joined them. A new connection rejoins them.

use super::op::{Effect, Op};

#[derive(Debug, Default)]
pub(super) struct Groups(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    /// The membership according to the last ack.
    joined: bool,
    /// The joins and leaves that were written since then and are not acknowledged yet, in that order.
    pending: Vec<PendingChange>,
}

#[derive(Debug)]
struct PendingChange {
    id: u64,
    joins: bool,
}

impl Groups {
    /// Returns the groups to rejoin. A group with an unacknowledged leave counts as left.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|entry| entry.is_wanted()).map(|entry| entry.name.as_str())
    }

    /// Records a written frame. The service processes frames in the order in which they are written.
    pub(super) fn written(&mut self, op: &Op) {
        let Some((group, joins)) = membership(op) else { return };
        let entry = self.entry(group);
        match op.ack_id {
            Some(id) => entry.pending.push(PendingChange { id, joins }),
            // No ack will follow, so success is assumed.
            None => entry.settle(joins, usize::MAX),
        }
        self.tidy();
    }

    /// Applies an ack.
    pub(super) fn acked(&mut self, op: &Op, success: bool) {
        let (Some((group, joins)), Some(id)) = (membership(op), op.ack_id) else { return };
        let entry = self.entry(group);
        if let Some(at) = entry.pending.iter().position(|change| change.id == id) {
            // Acks arrive in order, so earlier changes without an ack will never get one.
            entry.settle(if success { joins } else { entry.joined }, at + 1);
        }
        self.tidy();
    }

    /// Drops unacknowledged changes, which fail or are retried as requests.
    pub(super) fn lost(&mut self) {
        self.0.retain(Entry::is_wanted);
        self.0.iter_mut().for_each(|entry| entry.pending.clear());
    }

    /// Records that a rejoin failed. A join in flight may still succeed.
    pub(super) fn not_rejoined(&mut self, group: &str) {
        self.entry(group).joined = false;
        self.tidy();
    }

    fn entry(&mut self, group: &str) -> &mut Entry {
        let at = self.0.iter().position(|entry| entry.name == group).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push(Entry { name: group.to_owned(), joined: false, pending: Vec::new() });
        }
        &mut self.0[at]
    }

    fn tidy(&mut self) {
        self.0.retain(|entry| entry.joined || !entry.pending.is_empty());
    }
}

impl Entry {
    fn is_wanted(&self) -> bool {
        self.joined && self.pending.iter().all(|change| change.joins)
    }

    /// Sets the membership and removes the first `count` pending changes.
    fn settle(&mut self, joined: bool, count: usize) {
        self.joined = joined;
        self.pending.drain(..count.min(self.pending.len()));
    }
}

/// Returns the group that a request joins (`true`) or leaves (`false`).
fn membership(op: &Op) -> Option<(&str, bool)> {
    match &op.effect {
        Effect::Join(group) | Effect::Subscribe(group, _) => Some((group, true)),
        Effect::Leave(group) => Some((group, false)),
        #[cfg(feature = "preview")]
        Effect::ReceiveStreams(group, _) => Some((group, true)),
        Effect::None => None,
    }
}
