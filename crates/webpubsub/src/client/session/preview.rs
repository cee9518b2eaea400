//! The frames of the service's preview features, passed on to what handles them.

use std::time::Duration;

use super::Session;
use crate::client::frame::preview::Downstream;

impl Session {
    pub(super) fn preview(&mut self, frame: Downstream, length: usize, now: Duration) {
        let reliable = self.settings.protocol.is_reliable();
        if let Downstream::GroupStates { group, is_snapshot, items, sequence_id } = frame
            && self.inbox.routed(sequence_id.filter(|_| reliable), length, now)
        {
            self.group_states(&group, is_snapshot, &items, now);
        }
    }
}
