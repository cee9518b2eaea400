//! What a session reports to the client's meter and to its statistics.

use super::{Op, Session};
use crate::client::measure::{Measure, MeasuredState};
use crate::client::stats::Counts;

impl Session {
    /// Reports to a meter from now on.
    pub(in crate::client) fn with_measure(mut self, measure: Measure) -> Self {
        self.measured_state = MeasuredState::new(measure.clone());
        self.measure = measure;
        self
    }

    /// Reports a change of the state. A client that has never been connected has none.
    pub(in crate::client) fn measure_state(&mut self) {
        if self.has_connected {
            let state = self.state();
            self.measured_state.set(state);
        }
    }

    pub(in crate::client) fn counts(&self) -> Counts {
        let in_flight = self.outbox.pending();
        Counts { in_flight, waiting: self.outbox.len().saturating_sub(in_flight), held: self.inbox.len() }
    }
}

impl Op {
    /// Returns whether this sends something of the program, unlike a change of a membership.
    pub(super) fn is_message(&self) -> bool {
        matches!(self.name, "sendToGroup" | "event")
    }

    /// Returns when the program started the request. `None` if it has no deadline.
    pub(super) fn started(&self) -> Option<std::time::Duration> {
        (self.deadline != std::time::Duration::MAX).then(|| self.deadline.saturating_sub(self.timeout))
    }
}
