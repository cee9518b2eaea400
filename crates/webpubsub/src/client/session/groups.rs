//! The groups that the connection is in, in the order of joining: what a new connection joins again.

use super::op::{Effect, Op};

#[derive(Debug, Default)]
pub(super) struct Groups(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    /// The join that is still to be acknowledged.
    pending: Option<u64>,
}

impl Groups {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.name.as_str())
    }

    /// Follows the order in which frames are written, which is that in which the service carries them out.
    pub(super) fn written(&mut self, op: &Op) {
        match &op.effect {
            Effect::Join(group) if !self.names().any(|name| name == group) => {
                self.0.push(Entry { name: group.clone(), pending: op.ack_id });
            }
            Effect::Leave(group) => self.forget(group),
            Effect::Join(_) | Effect::None => {}
        }
    }

    pub(super) fn answered(&mut self, op: &Op, success: bool) {
        match (&op.effect, success) {
            (Effect::Join(_), true) => {
                self.0
                    .iter_mut()
                    .filter(|entry| entry.pending == op.ack_id)
                    .for_each(|entry| entry.pending = None);
            }
            (Effect::Join(_), false) => {
                self.0.retain(|entry| entry.pending.is_none() || entry.pending != op.ack_id);
            }
            // Not left after all.
            (Effect::Leave(group), false) if !self.names().any(|name| name == group) => {
                self.0.push(Entry { name: group.clone(), pending: None });
            }
            _ => {}
        }
    }

    /// Joins that were not acknowledged are their callers' to repeat, or to be sent again.
    pub(super) fn lost(&mut self) {
        self.0.retain(|entry| entry.pending.is_none());
    }

    pub(super) fn forget(&mut self, group: &str) {
        self.0.retain(|entry| entry.name != group);
    }
}
