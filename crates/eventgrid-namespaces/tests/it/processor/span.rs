//! The span in which a handler runs: the default with OpenTelemetry's names, or one that the program creates.

use std::sync::{Arc, Mutex};

use eventgrid_namespaces::{BoxError, CloudEvent, Context, Settlement, TraceContext};
use tracing::{Level, Span};

use super::broker::{Broker, event, run};
use crate::common::spans::Spans;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn handle(event: CloudEvent, _: Context) -> Result<Settlement, BoxError> {
    match event.id() {
        "0" => Ok(Settlement::Acknowledge),
        "1" => Ok(Settlement::Reject),
        _ => Err("planned".into()),
    }
}

#[tokio::test]
async fn by_default_a_handler_runs_in_a_consumer_span_named_after_the_topic() {
    let (spans, _guard) = Spans::start(&["process", "planned"]);
    let broker = Broker::with(3);
    run(broker.processor().handler(handle), broker.until_settled(3)).await.unwrap();
    let seen = spans.by_message();
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
    let (spans, _guard) = Spans::start(&["process", "planned"]);
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
    let mut of_spans: Vec<_> = contexts.iter().map(|(.., id)| *id).collect();
    let mut entered = ids.lock().unwrap().clone();
    // The ids of spans that have ended are used again.
    of_spans.sort_unstable();
    entered.sort_unstable();
    assert_eq!(entered, of_spans);
    let seen = spans.by_message();
    assert!(seen.iter().all(|(name, _, fields)| *name == "planned" && fields["settlement"] == "acknowledge"));
    assert_eq!(seen.len(), 2);
}
