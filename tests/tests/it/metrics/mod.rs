//! What the bridges of the documentation export, compared with what the emulator counted.

mod otel_bridge;
mod prometheus_bridge;

use std::sync::Arc;
use std::time::Duration;

use eventgrid_namespaces::{CloudEvent, Credential, INSTRUMENTS, Meter, NamespaceClient, RetryOptions};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use service_emulator::{Emulator, Fault};

/// Publishes 1,000 events, of which 100 are throttled once and 10 are rejected. Returns the number that the emulator received.
async fn run(meter: Arc<dyn Meter>) -> usize {
    let emulator = Emulator::start().await.unwrap();
    let eventgrid = emulator.eventgrid();
    eventgrid.declare("orders", "billing");
    let credential = Credential::access_key(eventgrid.key());
    let retry = RetryOptions::default().initial_backoff(Duration::ZERO);
    let builder = NamespaceClient::builder(&emulator.endpoint(), credential);
    let client = builder.retry(retry).meter(meter).build().unwrap();
    let sender = client.sender("orders");
    for number in 0..1_000 {
        match number % 100 {
            5 => emulator.faults().push(Fault::status(400)),
            tens if tens % 10 == 0 => emulator.faults().push(Fault::status(429).header("retry-after", "0")),
            _ => {}
        }
        let event = CloudEvent::new("/orders/1", "com.example.order", &number).unwrap();
        assert_eq!(sender.send(event).await.is_err(), number % 100 == 5);
    }
    assert_eq!(emulator.faults().pending(), 0, "each fault was returned once");
    eventgrid.waiting("orders", "billing")
}

#[tokio::test]
async fn opentelemetry_counts_the_calls_that_the_emulator_counted() {
    let exporter = InMemoryMetricExporter::default();
    let provider =
        SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter.clone()).build()).build();
    let bridge = otel_bridge::OpenTelemetry::new(&provider.meter("eventgrid-namespaces"), INSTRUMENTS);
    let received = run(Arc::new(bridge)).await as u64;
    provider.force_flush().unwrap();
    let exported = exporter.get_finished_metrics().unwrap();
    let count = |name: &str, attribute: Option<(&str, &str)>| -> u64 {
        let scopes = exported.iter().flat_map(ResourceMetrics::scope_metrics);
        let metric = scopes.flat_map(ScopeMetrics::metrics).find(|metric| metric.name() == name).unwrap();
        let has = |mut all: Box<dyn Iterator<Item = &opentelemetry::KeyValue> + '_>| match attribute {
            None => true,
            Some((key, "")) => all.all(|pair| pair.key.as_str() != key),
            Some((key, value)) => all.any(|pair| pair.key.as_str() == key && pair.value.as_str() == value),
        };
        match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                let points = histogram.data_points().filter(|point| has(Box::new(point.attributes())));
                points.map(HistogramDataPoint::count).sum()
            }
            AggregatedMetrics::F64(MetricData::Sum(sum)) => {
                let points = sum.data_points().filter(|point| has(Box::new(point.attributes())));
                points.map(|point| point.value() as u64).sum()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(count("eventgrid.client.call.duration", None), 1_000);
    assert_eq!(count("eventgrid.client.call.duration", Some(("error.type", "400"))), 10);
    assert_eq!(count("eventgrid.client.call.duration", Some(("error.type", ""))), received);
    assert_eq!(count("eventgrid.client.call.retries", Some(("error.type", "429"))), 100);
    assert_eq!(count("http.client.request.duration", None), 1_100);
    assert_eq!(count("http.client.request.duration", Some(("error.type", "429"))), 100);
    assert_eq!(received, 990);
}

#[tokio::test]
async fn prometheus_text_counts_the_calls_that_the_emulator_counted() {
    let recorder = prometheus_bridge::builder(INSTRUMENTS).unwrap().build_recorder();
    let handle = recorder.handle();
    let guard = metrics::set_default_local_recorder(&recorder);
    let received = run(Arc::new(prometheus_bridge::Metrics)).await as u64;
    drop(guard);
    let text = handle.render();
    let count = |name: &str, label: &str| -> u64 {
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    let failed = count("eventgrid_client_call_duration_count", "error_type=\"400\"");
    assert_eq!((failed, count("eventgrid_client_call_duration_count{", "")), (10, 1_000));
    assert_eq!(count("eventgrid_client_call_duration_count{", "") - failed, received);
    assert_eq!(count("eventgrid_client_call_retries{", "error_type=\"429\""), 100);
    assert_eq!(count("http_client_request_duration_count{", ""), 1_100);
    assert!(text.contains("http_client_request_duration_bucket") && text.contains("le=\"0.005\""), "{text}");
    assert_eq!(received, 990);
}
