//! One trace from publisher to handler, read back through the OpenTelemetry SDK. The closures are what a program would write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use eventgrid_namespaces::push::Webhook;
use eventgrid_namespaces::{
    CloudEvent, Context, Credential, EventDelivery, NamespaceClient, Processor, TraceContext,
};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use service_emulator::Emulator;
use service_emulator::eventgrid::{DeliveryStep, PushSettings};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tracing::{Instrument as _, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// For the setter `trace_context`: the context of the span that runs.
fn current() -> Option<TraceContext> {
    let mut fields = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut fields);
    let context = TraceContext::new(fields.remove("traceparent")?).ok()?;
    match fields.remove("tracestate").filter(|state| !state.is_empty()) {
        Some(state) => context.with_tracestate(state).ok(),
        None => Some(context),
    }
}

/// For the setter `span`: a span whose parent is the one that published the event.
fn process(delivery: &EventDelivery, context: Option<&TraceContext>) -> Span {
    let span = info_span!("process orders", "messaging.message.id" = delivery.id);
    if let Some(context) = context {
        let fields = HashMap::from([("traceparent".to_owned(), context.traceparent().to_owned())]);
        // Without a layer of OpenTelemetry, there is nothing to set.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&fields));
    }
    span
}

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
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let filter = tracing_subscriber::filter::LevelFilter::DEBUG;
        let subscriber = tracing_subscriber::registry().with(filter).with(layer);
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
