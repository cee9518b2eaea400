//! The client's side of a meter: nothing is measured without one, and its panics stay out of calls.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{AttributeValue, Instrument, Meter};

/// A handle that records values if the user has set a meter.
///
/// Clones share the meter. [`ClientOptions::meter`](crate::ClientOptions::meter) returns a client's handle.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use service_core::testing::RecordingMeter;
/// use service_core::{Instrument, MeterHandle};
///
/// static KNOCKS: Instrument = Instrument::counter("rooms.knocks", "{knock}", "Knocks on doors.");
///
/// let meter = RecordingMeter::new();
/// MeterHandle::new(Arc::new(meter.clone())).record(&KNOCKS, 1.0, &[("rooms.door", "blue".into())]);
/// assert_eq!(meter.sum("rooms.knocks", &[("rooms.door", "blue")]), 1.0);
///
/// // Without a meter, nothing happens.
/// MeterHandle::default().record(&KNOCKS, 1.0, &[]);
/// ```
#[derive(Clone, Default)]
pub struct MeterHandle(Option<Arc<Shared>>);

struct Shared {
    meter: Arc<dyn Meter>,
    panicked: AtomicBool,
}

impl MeterHandle {
    /// Creates a handle to a meter.
    #[must_use]
    pub fn new(meter: Arc<dyn Meter>) -> Self {
        Self(Some(Arc::new(Shared { meter, panicked: AtomicBool::new(false) })))
    }

    /// Returns whether there is a meter. If not, the caller need not measure anything.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Records a value. A meter that panics loses it, and its first panic is logged.
    pub fn record(
        &self,
        instrument: &'static Instrument,
        value: f64,
        attributes: &[(&'static str, AttributeValue<'_>)],
    ) {
        let Some(shared) = &self.0 else { return };
        let recorded = catch_unwind(AssertUnwindSafe(|| shared.meter.record(instrument, value, attributes)));
        if recorded.is_err() && !shared.panicked.swap(true, Ordering::Relaxed) {
            tracing::error!(
                target: "service_core::meter",
                instrument = instrument.name,
                "the meter panicked; values are lost, and further panics are not logged"
            );
        }
    }
}

impl fmt::Debug for MeterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeterHandle").field("enabled", &self.is_enabled()).finish_non_exhaustive()
    }
}
