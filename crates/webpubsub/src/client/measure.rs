//! What a client reports to a meter, besides its handshakes. Nothing is computed without one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use service_core::{Attributes, Delivery, ErrorType, Instrument, MeterHandle, Result};

use super::state::State;
use crate::metrics::{ACK_DURATION, CONNECTIONS, QUEUE_MESSAGES, RECEIVED, RECONNECTS, SENT};

/// The meter of a client, with the hub of its values. Clones share the hub.
#[derive(Debug, Clone, Default)]
pub(super) struct Measure {
    meter: MeterHandle,
    /// Known once the first WebSocket is open.
    hub: Arc<OnceLock<String>>,
}

/// How an attempt to restore a lost connection ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reconnected {
    Recovered,
    Replaced,
    Failed,
}

/// What became of a received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// It goes to the program.
    Delivered,
    /// It was received before.
    Replayed,
    /// The buffer is full.
    Dropped,
}

impl Measure {
    pub(super) fn new(meter: MeterHandle) -> Self {
        Self { meter, hub: Arc::default() }
    }

    /// Sets the hub, unless it is known already.
    pub(super) fn hub(&self, hub: impl FnOnce() -> Option<String>) {
        if self.meter.is_enabled()
            && self.hub.get().is_none()
            && let Some(hub) = hub()
        {
            let _ = self.hub.set(hub);
        }
    }

    pub(super) fn reconnected(&self, outcome: Reconnected) {
        let outcome = match outcome {
            Reconnected::Recovered => "recovered",
            Reconnected::Replaced => "replaced",
            Reconnected::Failed => "failed",
        };
        self.count(&RECONNECTS, outcome);
    }

    pub(super) fn received(&self, outcome: Received) {
        let outcome = match outcome {
            Received::Delivered => "delivered",
            Received::Replayed => "replayed",
            Received::Dropped => "dropped",
        };
        self.count(&RECEIVED, outcome);
    }

    /// Counts a send whose outcome is known. Without an acknowledgment, only its writing is known.
    pub(super) fn sent(&self, is_acknowledged: bool, outcome: &Result<bool>) {
        let outcome = match outcome {
            Ok(_) if is_acknowledged => "acknowledged",
            Ok(_) => "written",
            Err(error) => match error.delivery() {
                Some(Delivery::Responded) => "rejected",
                Some(Delivery::NotSent) => "not_sent",
                _ => "unknown",
            },
        };
        self.count(&SENT, outcome);
    }

    /// Records how long a request took until its acknowledgment, or until it timed out.
    pub(super) fn acknowledged(&self, took: Option<Duration>, outcome: &Result<bool>) {
        let Some(took) = took.filter(|_| self.meter.is_enabled()) else { return };
        let reason = outcome.as_ref().err().map(ErrorType::of);
        let attributes = self.attributes().with("error.type", reason.as_ref().map(ErrorType::as_str));
        self.meter.record(&ACK_DURATION, took.as_secs_f64(), attributes.as_slice());
    }

    /// Records that events entered the queue of the program, or left it.
    pub(super) fn queued(&self, change: isize) {
        if change != 0 && self.meter.is_enabled() {
            // A queue is far smaller than what an `f64` represents exactly.
            #[expect(clippy::cast_precision_loss, reason = "a queue has few events")]
            self.meter.record(&QUEUE_MESSAGES, change as f64, self.attributes().as_slice());
        }
    }

    fn count(&self, instrument: &'static Instrument, outcome: &'static str) {
        if self.meter.is_enabled() {
            let attributes = self.attributes().with("webpubsub.outcome", Some(outcome));
            self.meter.record(instrument, 1.0, attributes.as_slice());
        }
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes::new().with("webpubsub.hub", self.hub.get().map(String::as_str))
    }
}

/// Counts a connection by its state until it is dropped, so that a client whose task is aborted leaves nothing behind.
#[derive(Debug, Default)]
pub(super) struct MeasuredState {
    measure: Measure,
    state: Option<State>,
}

impl MeasuredState {
    pub(super) fn new(measure: Measure) -> Self {
        Self { measure, state: None }
    }

    pub(super) fn set(&mut self, state: State) {
        if !self.measure.meter.is_enabled() || self.state == Some(state) {
            return;
        }
        self.change(-1.0);
        self.state = Some(state).filter(|state| *state != State::Stopped);
        self.change(1.0);
    }

    fn change(&self, change: f64) {
        let state = match self.state {
            None | Some(State::Stopped) => return,
            Some(State::Connected) => "connected",
            Some(State::Recovering) => "recovering",
            Some(State::Reconnecting) => "reconnecting",
            Some(State::Closing) => "closing",
        };
        let attributes = self.measure.attributes().with("webpubsub.connection.state", Some(state));
        self.measure.meter.record(&CONNECTIONS, change, attributes.as_slice());
    }
}

impl Drop for MeasuredState {
    fn drop(&mut self) {
        self.change(-1.0);
    }
}
