//! A bridge to OpenTelemetry, to be copied: create it after the meter provider is set.

use std::collections::HashMap;

use eventgrid_namespaces::{AttributeValue, Instrument, InstrumentKind};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};

enum Handle {
    Counter(Counter<f64>),
    UpDown(UpDownCounter<f64>),
    Histogram(Histogram<f64>),
}

pub(super) struct OpenTelemetry(HashMap<&'static str, Handle>);

impl OpenTelemetry {
    pub(super) fn new(meter: &Meter, instruments: &[&'static Instrument]) -> Self {
        let handle = |i: &Instrument| match i.kind {
            InstrumentKind::Counter => Handle::Counter(meter.f64_counter(i.name).with_unit(i.unit).build()),
            InstrumentKind::Histogram => Handle::Histogram(
                meter.f64_histogram(i.name).with_unit(i.unit).with_boundaries(i.bounds.to_vec()).build(),
            ),
            InstrumentKind::UpDownCounter => {
                Handle::UpDown(meter.f64_up_down_counter(i.name).with_unit(i.unit).build())
            }
        };
        Self(instruments.iter().map(|i| (i.name, handle(i))).collect())
    }
}

impl eventgrid_namespaces::Meter for OpenTelemetry {
    fn record(&self, i: &'static Instrument, value: f64, attributes: &[(&'static str, AttributeValue<'_>)]) {
        let attributes = attributes.iter().map(|(key, value)| match *value {
            AttributeValue::Text(text) => KeyValue::new(*key, text.to_owned()),
            AttributeValue::Number(number) => KeyValue::new(*key, number),
        });
        let attributes: Vec<_> = attributes.collect();
        match self.0.get(i.name) {
            Some(Handle::Counter(counter)) => counter.add(value, &attributes),
            Some(Handle::UpDown(counter)) => counter.add(value, &attributes),
            Some(Handle::Histogram(histogram)) => histogram.record(value, &attributes),
            None => {}
        }
    }
}
