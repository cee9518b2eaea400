//! The groups that the connection is in, in the order of joining: what a new connection joins again.

use super::op::{Effect, Op};

#[derive(Debug, Default)]
pub(super) struct Groups(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    /// By what the service has said last.
    joined: bool,
    /// What was written since then and is still to be acknowledged, in that order.
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    id: u64,
    joins: bool,
}

impl Groups {
    /// The groups to be in. One that was to be left counts as left, whether or not the service has said so.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|entry| entry.is_wanted()).map(|entry| entry.name.as_str())
    }

    /// Follows the order in which frames are written, which is that in which the service carries them out.
    pub(super) fn written(&mut self, op: &Op) {
        let Some((group, joins)) = membership(op) else { return };
        let entry = self.entry(group);
        match op.ack_id {
            Some(id) => entry.asked.push(Asked { id, joins }),
            // Nobody will say what came of it.
            None => entry.settle(joins, usize::MAX),
        }
        self.tidy();
    }

    pub(super) fn answered(&mut self, op: &Op, success: bool) {
        let (Some((group, joins)), Some(id)) = (membership(op), op.ack_id) else { return };
        let entry = self.entry(group);
        if let Some(at) = entry.asked.iter().position(|asked| asked.id == id) {
            // Acks come in order: what was asked before and is not answered yet, never will be.
            entry.settle(if success { joins } else { entry.joined }, at + 1);
        }
        self.tidy();
    }

    /// Joins that were not acknowledged are their callers' to repeat, or to be sent again.
    pub(super) fn lost(&mut self) {
        self.0.retain(Entry::is_wanted);
        self.0.iter_mut().for_each(|entry| entry.asked.clear());
    }

    /// The connection is not in the group, unless a join that is under way still brings it there.
    pub(super) fn not_rejoined(&mut self, group: &str) {
        self.entry(group).joined = false;
        self.tidy();
    }

    fn entry(&mut self, group: &str) -> &mut Entry {
        let at = self.0.iter().position(|entry| entry.name == group).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push(Entry { name: group.to_owned(), joined: false, asked: Vec::new() });
        }
        &mut self.0[at]
    }

    fn tidy(&mut self) {
        self.0.retain(|entry| entry.joined || !entry.asked.is_empty());
    }
}

impl Entry {
    fn is_wanted(&self) -> bool {
        self.joined && self.asked.iter().all(|asked| asked.joins)
    }

    /// The first `answered` of what was asked is done with.
    fn settle(&mut self, joined: bool, answered: usize) {
        self.joined = joined;
        self.asked.drain(..answered.min(self.asked.len()));
    }
}

/// The group that is asked for, and whether it is to be joined.
fn membership(op: &Op) -> Option<(&str, bool)> {
    match &op.effect {
        Effect::Join(group) => Some((group, true)),
        Effect::Leave(group) => Some((group, false)),
        Effect::None => None,
    }
}
