//! What `tracing` sees of a call.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::*;
use crate::error::Delivery;

/// Name, level and fields of a span or an event.
#[derive(Debug, Clone)]
struct Seen {
    name: String,
    level: Level,
    fields: BTreeMap<String, String>,
    /// The span around an event.
    parent: Option<u64>,
    id: u64,
}

#[derive(Clone, Default)]
struct Watcher {
    spans: Arc<Mutex<Vec<Seen>>>,
    events: Arc<Mutex<Vec<Seen>>>,
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watcher {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        let (name, level) = (metadata.name().to_owned(), *metadata.level());
        let mut seen = Seen { name, level, fields: BTreeMap::new(), parent: None, id: id.into_u64() };
        attributes.record(&mut Fields(&mut seen.fields));
        self.spans.lock().unwrap().push(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.spans.lock().unwrap();
        let span = spans.iter_mut().rev().find(|span| span.id == id.into_u64()).unwrap();
        values.record(&mut Fields(&mut span.fields));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let (name, level) = (event.metadata().name().to_owned(), *event.metadata().level());
        let parent = context.event_span(event).map(|span| span.id().into_u64());
        let mut seen = Seen { name, level, fields: BTreeMap::new(), parent, id: 0 };
        event.record(&mut Fields(&mut seen.fields));
        self.events.lock().unwrap().push(seen);
    }
}

/// Runs a future under a watcher for its thread alone.
async fn watched<F: Future>(future: F) -> (F::Output, Vec<Seen>, Vec<Seen>) {
    let watcher = Watcher::default();
    let subscriber = tracing_subscriber::registry().with(watcher.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    let output = future.await;
    drop(guard);
    let ours = |seen: &Arc<Mutex<Vec<Seen>>>| seen.lock().unwrap().clone();
    (output, ours(&watcher.spans), ours(&watcher.events))
}

fn pairs(seen: &Seen) -> Vec<(&str, &str)> {
    seen.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_call_is_one_span_and_each_retry_one_event_in_it() {
    let kit = Kit::new();
    kit.script.respond(response(503, &[("retry-after", "2")])).fail(Delivery::Unknown);
    kit.script.respond(response(204, &[("x-request-id", "id-3")]));
    let (outcome, spans, events) = watched(kit.close().into_future()).await;
    outcome.unwrap();
    assert_eq!((spans.len(), spans[0].name.as_str(), spans[0].level), (1, "call", Level::DEBUG));
    assert_eq!(
        pairs(&spans[0]),
        [
            ("http.request.method", "DELETE"),
            ("http.request.resend_count", "2"),
            ("http.response.status_code", "204"),
            ("otel.kind", "client"),
            ("otel.name", "CloseRoom"),
            ("rooms.request_id", "id-3"),
            ("server.address", "rooms.example"),
            ("server.port", "443"),
        ]
    );
    assert_eq!(events.len(), 2);
    for (event, (number, reason)) in events.iter().zip([("1", "503"), ("2", "transport")]) {
        assert_eq!((event.level, event.parent), (Level::DEBUG, Some(spans[0].id)));
        assert_eq!(event.fields["http.request.resend_count"], number);
        assert_eq!(event.fields["error.type"], reason);
        assert_eq!(event.fields["message"], "retrying");
    }
    assert_eq!(events[0].fields["wait_ms"], "2000");
}

#[tokio::test]
async fn a_failed_call_has_its_error_type_in_the_span() {
    let kit = Kit::new();
    kit.script.respond(response(404, &[])).fail(Delivery::Unknown).status(200);
    let unreadable = Rooms {
        call: Call::new(&kit.pipeline, &GET, &[("room", "a")], |response| {
            read::json::<String>(response).map(Into::into)
        }),
    };
    for (call, error_type, status) in [
        (kit.close(), "404", Some("404")),
        (kit.send(), "transport", None),
        (unreadable, "decode", Some("200")),
    ] {
        let (outcome, spans, events) = watched(call.into_future()).await;
        outcome.unwrap_err();
        assert_eq!(spans[0].fields["error.type"], error_type);
        assert_eq!(spans[0].fields.get("http.response.status_code").map(String::as_str), status);
        assert!(!spans[0].fields.contains_key("http.request.resend_count"));
        assert_eq!(spans[0].fields["rooms.request_id"].len(), 36, "the id that was sent");
        assert!(events.is_empty());
    }
}

#[tokio::test]
async fn a_retry_with_a_fresh_token_is_also_an_event() {
    let identity = Identity::new(Duration::ZERO, |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    kit.script.status(401).status(202);
    let (outcome, spans, events) = watched(kit.send().into_future()).await;
    outcome.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].fields["error.type"].as_str(), events[0].fields["wait_ms"].as_str()), ("401", "0"));
    assert_eq!(spans[0].fields["http.request.resend_count"], "1");
}

#[tokio::test]
async fn an_address_is_recorded_without_brackets_and_with_its_port() {
    let script = ScriptedTransport::new();
    script.status(204);
    let pipeline = Client::new().transport(Arc::new(script)).build("http://[::1]:8080", key()).unwrap();
    let (outcome, spans, _) = watched(call(&pipeline, &CLOSE).into_future()).await;
    outcome.unwrap();
    assert_eq!(
        (spans[0].fields["server.address"].as_str(), spans[0].fields["server.port"].as_str()),
        ("::1", "8080")
    );
}

#[tokio::test]
async fn an_invalid_argument_opens_no_span() {
    let kit = Kit::new();
    let (outcome, spans, _) = watched(kit.close().header("host", "x").into_future()).await;
    outcome.unwrap_err();
    assert!(spans.is_empty());
}

#[tokio::test]
async fn a_call_whose_span_is_filtered_out_leaves_its_callers_span_alone() {
    let watcher = Watcher::default();
    let filter = tracing_subscriber::filter::LevelFilter::INFO;
    let subscriber = tracing_subscriber::registry().with(filter).with(watcher.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let status = tracing::field::Empty;
    let outer = tracing::info_span!("handler", "http.response.status_code" = status);
    let kit = Kit::new();
    kit.script.status(204);
    kit.close().into_future().instrument(outer).await.unwrap();
    let spans = watcher.spans.lock().unwrap();
    assert_eq!((spans.len(), spans[0].name.as_str(), spans[0].fields.len()), (1, "handler", 0), "{spans:?}");
}
