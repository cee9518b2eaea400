//! What the bridges of the documentation export, compared with what the emulator counted.

mod otel_bridge;
mod otlp;
mod prometheus_bridge;

use std::sync::Arc;
use std::time::Duration;

use eventgrid_namespaces::{CloudEvent, Credential, INSTRUMENTS, Meter, NamespaceClient, RetryOptions};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, WithExportConfig as _};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use service_core::LATENCY_BOUNDS;
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
            5 => {
                emulator.faults().push(Fault::status(400));
            }
            tens if tens % 10 == 0 => {
                emulator.faults().push(Fault::status(429).header("retry-after", "0"));
            }
            _ => {}
        }
        let event = CloudEvent::new("/orders/1", "com.example.order", &number).unwrap();
        assert_eq!(sender.send(event).await.is_err(), number % 100 == 5);
    }
    assert_eq!(emulator.faults().pending(), 0, "each fault was returned once");
    eventgrid.waiting("orders", "billing")
}

/// Exports every minute, and at the provider's `shutdown`.
fn otlp(endpoint: &str) -> Result<SdkMeterProvider, ExporterBuildError> {
    let exporter = MetricExporter::builder().with_http().with_endpoint(endpoint).build()?;
    Ok(SdkMeterProvider::builder().with_periodic_exporter(exporter).build())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_receives_over_otlp_what_the_emulator_counted() {
    let collector = otlp::Collector::default();
    let address = collector.start().await;
    // The exporter's client and the export itself block their thread.
    let provider = tokio::task::block_in_place(|| otlp(&format!("http://{address}/v1/metrics")));
    let provider = provider.unwrap();
    let bridge = otel_bridge::OpenTelemetry::new(&provider.meter("eventgrid-namespaces"), INSTRUMENTS);
    let received = run(Arc::new(bridge)).await as u64;
    tokio::task::block_in_place(|| provider.shutdown()).unwrap();

    let count = |name, attribute| collector.count(name, attribute);
    assert_eq!(count("eventgrid.client.call.duration", None), 1_000);
    assert_eq!(count("eventgrid.client.call.duration", Some(("error.type", "400"))), 10);
    assert_eq!(count("eventgrid.client.call.duration", Some(("error.type", ""))), received);
    assert_eq!(count("eventgrid.client.call.retries", Some(("error.type", "429"))), 100);
    assert_eq!(count("http.client.request.duration", None), 1_100);
    assert_eq!(count("http.client.request.duration", Some(("error.type", "429"))), 100);
    assert_eq!(received, 990);
    assert_eq!(collector.unit("http.client.request.duration"), "s");
    assert_eq!(collector.bounds("http.client.request.duration"), LATENCY_BOUNDS);
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
