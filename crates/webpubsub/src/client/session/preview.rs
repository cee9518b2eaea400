//! The frames of the service's preview features, passed on to what handles them.

use std::time::Duration;

use super::Session;
use crate::client::frame::preview::Downstream;

impl Session {
    pub(super) fn preview(&mut self, frame: &Downstream, length: usize, now: Duration) {
        let reliable = self.settings.protocol.is_reliable();
        if let Downstream::GroupStates { sequence_id: Some(id), .. } = frame
            && reliable
        {
            self.inbox.message(Some(*id), None, length, now);
        }
    }
}
