//! A bridge to the `metrics` crate, to be copied. The exporter turns dots into underscores.

use eventgrid_namespaces::{AttributeValue, Instrument, InstrumentKind, Meter};
use metrics::{Label, counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

pub(super) struct Metrics;

impl Meter for Metrics {
    fn record(&self, i: &'static Instrument, value: f64, attributes: &[(&'static str, AttributeValue<'_>)]) {
        let label = |(key, value): &(&'static str, AttributeValue<'_>)| match value {
            AttributeValue::Text(text) => Label::new(*key, (*text).to_owned()),
            AttributeValue::Number(number) => Label::new(*key, number.to_string()),
        };
        let labels: Vec<_> = attributes.iter().map(label).collect();
        match i.kind {
            InstrumentKind::Counter => counter!(i.name, labels).increment(value as u64),
            InstrumentKind::Histogram => histogram!(i.name, labels).record(value),
            InstrumentKind::UpDownCounter => gauge!(i.name, labels).increment(value),
        }
    }
}

/// Gives each histogram its bounds.
pub(super) fn builder(instruments: &[&'static Instrument]) -> Result<PrometheusBuilder, BuildError> {
    let histograms = instruments.iter().filter(|i| i.kind == InstrumentKind::Histogram);
    histograms.into_iter().try_fold(PrometheusBuilder::new(), |builder, i| {
        builder.set_buckets_for_metric(Matcher::Full(i.name.replace('.', "_")), i.bounds)
    })
}
