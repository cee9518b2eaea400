//! What a processor reports to a meter, besides its calls.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use service_core::{Attributes, Instrument, MeterHandle};

use super::Settlement;
use super::handler::Outcome;
use crate::Receiver;
use crate::messaging::Handling;
use crate::metrics::{EVENT_AGE, EVENTS_HELD, FULL_RECEIVES, LOCKS_LOST, RECEIVES, SETTLED};

/// The meter of a processor, with the attributes of its values.
#[derive(Debug, Clone, Default)]
pub(super) struct Measure {
    meter: MeterHandle,
    topic: Arc<str>,
    subscription: Arc<str>,
}

impl Measure {
    pub(super) fn new(meter: MeterHandle, receiver: &Receiver) -> Self {
        let (topic, subscription) = (Arc::clone(&receiver.topic), Arc::clone(&receiver.subscription));
        Self { meter, topic, subscription }
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.meter.is_enabled()
    }

    /// Records a change of the number of held events.
    #[allow(clippy::cast_precision_loss, reason = "at most 20,000 events are held")]
    pub(super) fn held(&self, old: usize, new: usize) {
        if old != new {
            self.record(&EVENTS_HELD, new as f64 - old as f64);
        }
    }

    /// Counts a successful receive call.
    pub(super) fn received(&self, full: bool) {
        self.record(&RECEIVES, 1.0);
        if full {
            self.record(&FULL_RECEIVES, 1.0);
        }
    }

    /// Records the age of an event that was received. A time in the future is a clock that differs, so it counts as zero.
    pub(super) fn aged(&self, now: SystemTime, time: Option<SystemTime>) {
        if let Some(time) = time {
            self.record(&EVENT_AGE, now.duration_since(time).unwrap_or_default().as_secs_f64());
        }
    }

    pub(super) fn lock_lost(&self) {
        self.record(&LOCKS_LOST, 1.0);
    }

    /// Counts an event whose settling has ended.
    pub(super) fn settled(&self, settlement: Settlement, error: Option<&str>) {
        if !self.is_enabled() {
            return;
        }
        let attributes =
            self.attributes().with("eventgrid.settlement", Some(settlement.name())).with("error.type", error);
        self.meter.record(&SETTLED, 1.0, attributes.as_slice());
    }

    /// Records how long a handler took.
    pub(super) fn handled(&self, receiver: &Receiver, took: Option<Duration>, outcome: &Outcome) {
        let Some(took) = took else { return };
        let handling = Handling {
            meter: &self.meter,
            topic: Some(&self.topic),
            subscription: Some(&self.subscription),
            server: Some(receiver.namespace.pipeline.endpoint().server()),
        };
        handling.ended(took, outcome.error_type());
    }

    fn record(&self, instrument: &'static Instrument, value: f64) {
        self.meter.record(instrument, value, self.attributes().as_slice());
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes::new()
            .with("messaging.destination.name", Some(&*self.topic))
            .with("messaging.destination.subscription.name", Some(&*self.subscription))
    }
}
