//! A stand-in for an OpenTelemetry collector: it accepts metrics and traces over OTLP (protobuf over HTTP) and reads
//! the bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;

/// What was received.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    /// The last request. Since temporality is cumulative, it contains everything.
    metrics: Option<ExportMetricsServiceRequest>,
    spans: Vec<Span>,
}

impl Collector {
    /// Starts to listen, on a runtime of its own: the exporter blocks its thread.
    pub(crate) async fn start(&self) -> SocketAddr {
        let router = Router::new().route("/v1/metrics", post(metrics)).route("/v1/traces", post(traces));
        let router = router.with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// The only span with this name.
    pub(crate) fn span(&self, name: &str) -> Span {
        let received = self.0.lock().unwrap();
        let mut spans = received.spans.iter().filter(|span| span.name == name);
        let names = || received.spans.iter().map(|span| &span.name).collect::<Vec<_>>();
        let span = spans.next().unwrap_or_else(|| panic!("{name} of {:?}", names()));
        assert!(spans.next().is_none(), "several of {name}");
        span.clone()
    }

    fn metric(&self, name: &str) -> Metric {
        let received = self.0.lock().unwrap();
        let last = received.metrics.as_ref().expect("nothing was exported");
        let scopes = last.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        let mut metrics = scopes.flat_map(|scope| &scope.metrics);
        metrics.find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name}")).clone()
    }

    pub(super) fn unit(&self, name: &str) -> String {
        self.metric(name).unit
    }

    pub(super) fn bounds(&self, name: &str) -> Vec<f64> {
        match self.metric(name).data {
            Some(Data::Histogram(histogram)) => histogram.data_points[0].explicit_bounds.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Adds up what was counted with the attribute. The value `""` means that the attribute is absent.
    pub(super) fn count(&self, name: &str, attribute: Option<(&str, &str)>) -> u64 {
        let has = |pairs: &[KeyValue]| match attribute {
            None => true,
            Some((key, "")) => pairs.iter().all(|pair| pair.key != key),
            Some((key, value)) => pairs.iter().any(|pair| pair.key == key && text(pair) == value),
        };
        match self.metric(name).data {
            Some(Data::Histogram(histogram)) => {
                let points = histogram.data_points.iter().filter(|point| has(&point.attributes));
                points.map(|point| point.count).sum()
            }
            Some(Data::Sum(sum)) => {
                assert!(sum.is_monotonic, "{name} is a counter");
                let points = sum.data_points.iter().filter(|point| has(&point.attributes));
                let value = |value| match value {
                    Some(number_data_point::Value::AsDouble(value)) => value as u64,
                    other => panic!("{other:?}"),
                };
                points.map(|point| value(point.value)).sum()
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn text(pair: &KeyValue) -> String {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

fn decode<T: prost::Message + Default>(headers: &HeaderMap, body: Bytes) -> T {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    T::decode(body).unwrap()
}

async fn metrics(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    collector.0.lock().unwrap().metrics = Some(decode(&headers, body));
    StatusCode::OK
}

async fn traces(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request: ExportTraceServiceRequest = decode(&headers, body);
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    collector.0.lock().unwrap().spans.extend(scopes.flat_map(|scope| scope.spans));
    StatusCode::OK
}
