//! One trace from publisher to handler, read back through the OpenTelemetry SDK, or from the bytes that a collector receives.

use std::sync::{Arc, Mutex};

use axum::Router;
use eventgrid_namespaces::push::Webhook;
use eventgrid_namespaces::{CloudEvent, Context, Credential, NamespaceClient, Processor, TraceContext};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use service_emulator::Emulator;
use service_emulator::eventgrid::{DeliveryStep, PushSettings};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tracing::{Instrument as _, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::LevelFilter;

use crate::metrics::otlp::Collector;
use crate::otel_traces::{current, process, subscriber};

/// The trace ids that handlers ran in.
type Seen = Arc<Mutex<Vec<String>>>;

fn handler(seen: &Seen, done: &Arc<Notify>) -> impl eventgrid_namespaces::Handler<CloudEvent> + use<> {
    let (seen, done) = (Arc::clone(seen), Arc::clone(done));
    move |_: CloudEvent, _: Context| {
        let (seen, done) = (Arc::clone(&seen), Arc::clone(&done));
        async move {
            let id = Span::current().context().span().span_context().trace_id();
            seen.lock().unwrap().push(id.to_string());
            done.notify_one();
        }
    }
}

struct Traced {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Traced {
    fn start() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let subscriber = subscriber(&provider, LevelFilter::DEBUG);
        Self { exporter, provider, _guard: tracing::subscriber::set_default(subscriber) }
    }

    fn span(&self, name: &str) -> SpanData {
        self.provider.force_flush().unwrap();
        let spans = self.exporter.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
        spans.into_iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} of {names:?}"))
    }
}

/// Publishes one event within the span `checkout`. Returns its trace id.
async fn publish(emulator: &Emulator) -> (NamespaceClient, String) {
    let credential = Credential::access_key(emulator.eventgrid().key());
    let client =
        NamespaceClient::builder(&emulator.endpoint(), credential).trace_context(current).build().unwrap();
    let event = CloudEvent::new("/orders/1", "com.example.order", &1).unwrap();
    let span = info_span!("checkout");
    let id = span.context().span().span_context().trace_id().to_string();
    client.sender("orders").send(event).into_future().instrument(span).await.unwrap();
    (client, id)
}

#[tokio::test]
async fn one_trace_leads_from_the_publisher_to_the_handler_of_a_processor() {
    let traced = Traced::start();
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let (client, trace) = publish(&emulator).await;

    let (seen, done) = (Seen::default(), Arc::new(Notify::new()));
    let builder = Processor::builder(client.receiver("orders", "billing")).span(process);
    let processor = builder.handler(handler(&seen, &done)).unwrap();
    processor.run_until(done.notified()).await.unwrap();

    assert_eq!(*seen.lock().unwrap(), [trace.as_str()]);
    let request =
        emulator.requests().into_iter().find(|request| request.target.contains(":publish")).unwrap();
    let sent = request.headers["traceparent"].to_str().unwrap();
    assert_eq!(TraceContext::new(sent).unwrap().trace_id(), trace);
    let (publish, process) = (traced.span("checkout"), traced.span("process orders"));
    assert_eq!(process.span_context.trace_id(), publish.span_context.trace_id());
    let ids =
        |span: &SpanData| span.attributes.iter().any(|pair| pair.key.as_str() == "messaging.message.id");
    assert!(ids(&process), "{process:?}");
}

#[tokio::test]
async fn one_trace_leads_from_the_publisher_to_the_handler_of_a_webhook() {
    let traced = Traced::start();
    let emulator = Emulator::start().await.unwrap();
    let (seen, done) = (Seen::default(), Arc::new(Notify::new()));
    let webhook = Webhook::builder(handler(&seen, &done)).span(process).accept_unverified().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = PushSettings::new(format!("http://{}/events", listener.local_addr().unwrap()));
    let app = Router::new().route_service("/events", webhook);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (sender, mut steps) = mpsc::unbounded_channel();
    emulator.eventgrid().observe("orders", "billing", move |seen| {
        let _ = sender.send(seen.step);
    });
    emulator.eventgrid().declare_push("orders", "billing", settings).unwrap();

    let (_, trace) = publish(&emulator).await;
    done.notified().await;
    // Once the response was sent, the span of the handler has ended.
    assert_eq!(steps.recv().await, Some(DeliveryStep::Locked));
    assert_eq!(steps.recv().await, Some(DeliveryStep::Acknowledged));
    assert_eq!(*seen.lock().unwrap(), [trace.as_str()]);
    let (publish, process) = (traced.span("checkout"), traced.span("process orders"));
    assert_eq!(process.span_context.trace_id(), publish.span_context.trace_id());
}

/// One test of the two threads: the exporter blocks its own while the collector responds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_receives_the_trace_of_a_publish_and_its_handler_over_otlp() {
    let collector = Collector::default();
    let address = collector.start().await;
    let provider = tokio::task::block_in_place(|| {
        let endpoint = format!("http://{address}/v1/traces");
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build().unwrap();
        SdkTracerProvider::builder().with_batch_exporter(exporter).build()
    });
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let (seen, done) = (Seen::default(), Arc::new(Notify::new()));
    // The spans are those of this thread, so everything runs on it.
    let trace = tokio::task::block_in_place(|| {
        let _guard = tracing::subscriber::set_default(subscriber(&provider, LevelFilter::INFO));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, trace) = publish(&emulator).await;
            let builder = Processor::builder(client.receiver("orders", "billing")).span(process);
            let processor = builder.handler(handler(&seen, &done)).unwrap();
            processor.run_until(done.notified()).await.unwrap();
            trace
        })
    });
    tokio::task::block_in_place(|| provider.shutdown()).unwrap();

    let [checkout, publish, handled] =
        ["checkout", "publish orders", "process orders"].map(|name| collector.span(name));
    let id = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
        span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!((id(&checkout), id(&publish), id(&handled)), (trace.clone(), trace.clone(), trace));
    assert_eq!(publish.parent_span_id, checkout.span_id);
    // The event carries the context of its publish span.
    assert_eq!(handled.parent_span_id, publish.span_id);
    let kinds = [publish.kind(), handled.kind()].map(|kind| kind.as_str_name());
    assert_eq!(kinds, ["SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"]);
    let system = |pair: &&opentelemetry_proto::tonic::common::v1::KeyValue| pair.key == "messaging.system";
    let system = publish.attributes.iter().find(system).map(crate::metrics::otlp::text);
    assert_eq!(system.as_deref(), Some("eventgrid"));
}
