//! The span in which a handler runs: the default with OpenTelemetry's names, or one that the program creates.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

use eventgrid_namespaces::{BoxError, CloudEvent, Context, Settlement, TraceContext};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Level, Span, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::broker::{Broker, event, run};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A span: its name, its level, and its fields.
type Seen = (&'static str, Level, BTreeMap<&'static str, String>);

/// Keeps the spans named `process` or `planned`.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<BTreeMap<u64, Seen>>>);

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: LayerContext<'_, S>) {
        let metadata = attributes.metadata();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        if ["process", "planned"].contains(&metadata.name()) {
            self.0.lock().unwrap().insert(id.into_u64(), (metadata.name(), *metadata.level(), fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: LayerContext<'_, S>) {
        if let Some((_, _, fields)) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(&mut Fields(fields));
        }
    }
}

/// While a process has one subscriber, a thread without any that first comes to a span disables it for all threads. So there are
/// always two.
static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

impl Spans {
    /// Keeps the spans of this thread from now on. Another thread may be coming to the span for the first time, so this thread
    /// does that before.
    async fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        LazyLock::force(&OTHER);
        let broker = Broker::with(1);
        run(broker.processor().handler(handle), broker.until_settled(1)).await.unwrap();
        let spans = Self::default();
        let subscriber = tracing_subscriber::registry().with(spans.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        tracing::callsite::rebuild_interest_cache();
        (spans, guard)
    }

    /// The spans, sorted by the event's id.
    fn seen(&self) -> Vec<Seen> {
        let mut seen: Vec<_> = self.0.lock().unwrap().values().cloned().collect();
        seen.sort_by_key(|(_, _, fields)| fields.get("messaging.message.id").cloned());
        seen
    }
}

async fn handle(event: CloudEvent, _: Context) -> Result<Settlement, BoxError> {
    match event.id() {
        "0" => Ok(Settlement::Acknowledge),
        "1" => Ok(Settlement::Reject),
        _ => Err("planned".into()),
    }
}

#[tokio::test]
async fn by_default_a_handler_runs_in_a_consumer_span_named_after_the_topic() {
    let (spans, _guard) = Spans::start().await;
    let broker = Broker::with(3);
    run(broker.processor().handler(handle), broker.until_settled(3)).await.unwrap();
    let seen = spans.seen();
    assert_eq!(seen.len(), 3, "{seen:?}");
    let (name, level, fields) = &seen[0];
    assert_eq!((*name, *level), ("process", Level::INFO));
    let expected = [
        ("cloudevents.event_id", "0"),
        ("cloudevents.event_source", "/t"),
        ("delivery_count", "1"),
        ("messaging.destination.name", "orders"),
        ("messaging.destination.subscription.name", "billing"),
        ("messaging.message.id", "0"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.system", "eventgrid"),
        ("otel.kind", "consumer"),
        ("otel.name", "process orders"),
        ("settlement", "acknowledge"),
    ];
    assert_eq!(*fields, expected.map(|(key, value)| (key, value.to_owned())).into());
    assert_eq!(seen[1].2["settlement"], "reject");
    let failed = &seen[2].2;
    assert_eq!((&*failed["error.type"], &*failed["otel.status_code"]), ("handler_failed", "ERROR"));
    assert!(!failed.contains_key("settlement"));
}

#[tokio::test]
async fn a_handler_runs_in_the_span_that_the_program_creates_from_its_trace_context() {
    let (spans, _guard) = Spans::start().await;
    let broker = Broker::with(1);
    broker.publish(&event(1).replace("\"data\"", &format!("\"traceparent\":\"{TRACE}\",\"data\"")));
    let (contexts, ids) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (linked, entered) = (Arc::clone(&contexts), Arc::clone(&ids));
    let builder = broker.processor().span(move |delivery, context| {
        let span = tracing::debug_span!(
            "planned",
            "messaging.message.id" = delivery.id.as_deref(),
            settlement = tracing::field::Empty
        );
        let context = context.cloned();
        linked.lock().unwrap().push((delivery.id.clone(), context, span.id().unwrap().into_u64()));
        span
    });
    let handler = move |_: CloudEvent, _: Context| {
        let ids = Arc::clone(&entered);
        async move {
            tokio::task::yield_now().await;
            ids.lock().unwrap().push(Span::current().id().unwrap().into_u64());
        }
    };
    run(builder.handler(handler), broker.until_settled(2)).await.unwrap();
    let contexts = contexts.lock().unwrap();
    let id = |id: &str| Some(id.to_owned());
    let found: Vec<_> = contexts.iter().map(|(id, context, _)| (id.clone(), context.clone())).collect();
    assert_eq!(found, [(id("0"), None), (id("1"), Some(TraceContext::new(TRACE).unwrap()))]);
    let of_spans: Vec<_> = contexts.iter().map(|(.., id)| *id).collect();
    let mut entered = ids.lock().unwrap().clone();
    entered.sort_unstable();
    assert_eq!(entered, of_spans);
    let seen = spans.seen();
    assert!(seen.iter().all(|(name, _, fields)| *name == "planned" && fields["settlement"] == "acknowledge"));
    assert_eq!(seen.len(), 2);
}
