//! A meter that keeps its values for assertions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{AttributeValue, Instrument, Meter};

/// A meter that keeps all values. Clones share them.
///
/// # Examples
///
/// ```
/// use service_core::testing::RecordingMeter;
/// use service_core::{Instrument, Meter};
///
/// static WAIT: Instrument = Instrument::histogram("rooms.wait", "s", "Time before the door opened.", &[1.0]);
///
/// let meter = RecordingMeter::new();
/// meter.record(&WAIT, 0.5, &[("error.type", "timeout".into())]);
/// assert_eq!(meter.count("rooms.wait", &[("error.type", "timeout")]), 1);
/// assert_eq!(meter.count("rooms.wait", &[("error.type", "")]), 0);
/// ```
#[derive(Debug, Clone, Default)]
pub struct RecordingMeter(Arc<Mutex<Vec<Recorded>>>);

/// A value that a [`RecordingMeter`] received.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// Identifies the instrument.
    pub instrument: &'static Instrument,
    /// Contains the value.
    pub value: f64,
    /// Contains the attributes. Numbers are written as text.
    pub attributes: BTreeMap<&'static str, String>,
}

impl RecordingMeter {
    /// Creates a meter without values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all values, in the order in which they were recorded.
    #[must_use]
    pub fn values(&self) -> Vec<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the number of an instrument's values that have the given attributes.
    ///
    /// An attribute with an empty value must be absent.
    #[must_use]
    pub fn count(&self, name: &str, attributes: &[(&str, &str)]) -> usize {
        self.matching(name, attributes).len()
    }

    /// Returns the sum of an instrument's values that have the given attributes.
    ///
    /// An attribute with an empty value must be absent.
    #[must_use]
    pub fn sum(&self, name: &str, attributes: &[(&str, &str)]) -> f64 {
        self.matching(name, attributes).iter().sum()
    }

    fn matching(&self, name: &str, attributes: &[(&str, &str)]) -> Vec<f64> {
        let mut values = self.values();
        values.retain(|recorded| {
            let has = |key, value| recorded.attributes.get(key).map_or("", String::as_str) == value;
            recorded.instrument.name == name && attributes.iter().all(|(key, value)| has(*key, *value))
        });
        values.iter().map(|recorded| recorded.value).collect()
    }
}

impl Meter for RecordingMeter {
    fn record(
        &self,
        instrument: &'static Instrument,
        value: f64,
        attributes: &[(&'static str, AttributeValue<'_>)],
    ) {
        let text = |value: &AttributeValue<'_>| match value {
            AttributeValue::Text(text) => (*text).to_owned(),
            AttributeValue::Number(number) => number.to_string(),
        };
        let attributes = attributes.iter().map(|(key, value)| (*key, text(value))).collect();
        let recorded = Recorded { instrument, value, attributes };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
    }
}
