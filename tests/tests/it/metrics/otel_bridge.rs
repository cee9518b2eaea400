//! A bridge to OpenTelemetry, to be copied: create it after the meter provider is set.

use std::collections::HashMap;

use eventgrid_namespaces::{AttributeValue, Instrument, InstrumentKind};
use opentelemetry::{KeyValue, metrics::Meter};

type Record = Box<dyn Fn(f64, &[KeyValue]) + Send + Sync>;

pub(super) struct OpenTelemetry(HashMap<&'static str, Record>);

impl OpenTelemetry {
    pub(super) fn new(meter: &Meter, instruments: &[&'static Instrument]) -> Self {
        Self(instruments.iter().map(|i| (i.name, instrument(meter, i))).collect())
    }
}

fn instrument(meter: &Meter, i: &'static Instrument) -> Record {
    if i.kind == InstrumentKind::Counter {
        let counter = meter.f64_counter(i.name).with_unit(i.unit).build();
        return Box::new(move |value, attributes| counter.add(value, attributes));
    } else if i.kind == InstrumentKind::UpDownCounter {
        let counter = meter.f64_up_down_counter(i.name).with_unit(i.unit).build();
        return Box::new(move |value, attributes| counter.add(value, attributes));
    }
    let histogram = meter.f64_histogram(i.name).with_unit(i.unit).with_boundaries(i.bounds.to_vec()).build();
    Box::new(move |value, attributes| histogram.record(value, attributes))
}

impl eventgrid_namespaces::Meter for OpenTelemetry {
    fn record(&self, i: &'static Instrument, value: f64, attributes: &[(&'static str, AttributeValue<'_>)]) {
        let attributes = attributes.iter().map(|(key, value)| match *value {
            AttributeValue::Text(text) => KeyValue::new(*key, text.to_owned()),
            AttributeValue::Number(number) => KeyValue::new(*key, number),
        });
        self.0.get(i.name).inspect(|record| record(value, &attributes.collect::<Vec<_>>()));
    }
}
