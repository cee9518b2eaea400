//! The frames of the service's preview features, passed on to what handles them.

use std::time::Duration;

use super::Session;
use crate::client::frame::preview::Downstream;

impl Session {
    pub(super) fn preview(&mut self, frame: Downstream, length: usize, now: Duration) {
        let reliable = self.settings.protocol.is_reliable();
        match frame {
            Downstream::InvokeResponse { id, outcome, metadata } => {
                self.invoke_response(&id, outcome, metadata);
            }
            Downstream::StreamAck { id, expected } => self.stream_acked(&id, expected, now),
            Downstream::StreamNack { id, rejection, expected } => {
                self.stream_rejected(&id, &rejection, expected, now);
            }
            Downstream::StreamClosed { id, rejection } => self.stream_closed(&id, rejection, now),
            Downstream::GroupStates { group, is_snapshot, items, sequence_id } => {
                if self.inbox.routed(sequence_id.filter(|_| reliable), length, now) {
                    self.group_states(&group, is_snapshot, &items, now);
                }
            }
        }
    }
}
