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
pub(super) struct Seen {
    name: String,
    pub(super) level: Level,
    pub(super) fields: BTreeMap<String, String>,
    /// The span around it.
    parent: Option<u64>,
    id: u64,
    pub(super) target: String,
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
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        let (name, level) = (metadata.name().to_owned(), *metadata.level());
        let parent = context.span(id).and_then(|span| span.parent()).map(|span| span.id().into_u64());
        let mut seen = Seen {
            name,
            level,
            fields: BTreeMap::new(),
            parent,
            id: id.into_u64(),
            target: metadata.target().to_owned(),
        };
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
        let mut seen = Seen {
            name,
            level,
            fields: BTreeMap::new(),
            parent,
            id: 0,
            target: event.metadata().target().to_owned(),
        };
        event.record(&mut Fields(&mut seen.fields));
        self.events.lock().unwrap().push(seen);
    }
}

/// Runs a future under a watcher for its thread alone.
pub(super) async fn watched<F: Future>(future: F) -> (F::Output, Vec<Seen>, Vec<Seen>) {
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
async fn a_call_is_a_span_and_each_attempt_another_and_each_retry_one_event() {
    let kit = Kit::new();
    kit.script.respond(response(503, &[("retry-after", "2")])).fail(Delivery::Unknown);
    kit.script.respond(response(204, &[("x-request-id", "id-3")]));
    let (outcome, spans, events) = watched(kit.close().into_future()).await;
    outcome.unwrap();
    assert_eq!((spans.len(), spans[0].name.as_str(), spans[0].level), (4, "call", Level::INFO));
    assert_eq!(
        pairs(&spans[0]),
        [
            ("http.request.method", "DELETE"),
            ("http.request.resend_count", "2"),
            ("http.response.status_code", "204"),
            ("otel.kind", "internal"),
            ("otel.name", "CloseRoom"),
            ("rooms.request_id", "id-3"),
            ("server.address", "rooms.example"),
            ("server.port", "443"),
        ]
    );
    let events: Vec<_> = events.into_iter().filter(|event| event.level == Level::DEBUG).collect();
    assert_eq!(events.len(), 2);
    for (event, (number, reason)) in events.iter().zip([("1", "503"), ("2", "transport")]) {
        assert_eq!((event.level, event.parent), (Level::DEBUG, Some(spans[0].id)));
        assert_eq!(event.fields["http.request.resend_count"], number);
        assert_eq!(event.fields["error.type"], reason);
        assert_eq!(event.fields["message"], "retrying");
    }
    assert_eq!(events[0].fields["wait_ms"], "2000");
    let statuses = [Some("503"), None, Some("204")];
    for (number, (attempt, status)) in spans[1..].iter().zip(statuses).enumerate() {
        assert_eq!(
            (attempt.name.as_str(), attempt.level, attempt.parent),
            ("attempt", Level::DEBUG, Some(spans[0].id))
        );
        assert_eq!(attempt.fields["otel.name"], "DELETE /rooms/{room}");
        assert_eq!(
            (attempt.fields["otel.kind"].as_str(), attempt.fields["server.address"].as_str()),
            ("client", "rooms.example")
        );
        assert_eq!(attempt.fields.get("http.response.status_code").map(String::as_str), status);
        let resend = (number > 0).then(|| number.to_string());
        assert_eq!(attempt.fields.get("http.request.resend_count"), resend.as_ref());
        assert_eq!(attempt.fields.contains_key("otel.status_code"), status != Some("204"));
    }
}

#[tokio::test]
async fn a_call_that_needed_retries_ends_with_one_event_at_info() {
    let kit = Kit::new();
    kit.script
        .respond(response(503, &[("retry-after", "2")]))
        .respond(response(429, &[("retry-after", "3")]))
        .status(202);
    let (outcome, spans, events) = watched(kit.send().into_future()).await;
    outcome.unwrap();
    let ended: Vec<_> = events.iter().filter(|event| event.level <= Level::INFO).collect();
    assert_eq!((ended.len(), ended[0].level, ended[0].parent), (1, Level::INFO, Some(spans[0].id)));
    let fields = [
        ("attempts", "3"),
        ("message", "the call succeeded after retries"),
        ("operation", "SendToRoom"),
        ("wait_ms", "5000"),
    ];
    assert_eq!(pairs(ended[0]), fields);
    kit.script.status(202);
    let (_, _, events) = watched(kit.send().into_future()).await;
    assert!(events.is_empty(), "most calls need none: {events:?}");
}

#[tokio::test]
async fn a_call_that_failed_after_retries_ends_with_one_event_at_warn() {
    let kit = Kit::with(|client| client.retry(crate::RetryOptions::default().max_retries(1)));
    let throttled =
        || response(503, &[("retry-after", "2"), ("x-error-code", "Busy"), ("x-request-id", "id-1")]);
    kit.script.respond(throttled()).respond(throttled()).fail(Delivery::NotSent).fail(Delivery::NotSent);
    for (status, error_type, cause) in
        [(Some("503"), "503", None), (None, "transport", Some("the scripted request failed"))]
    {
        let (outcome, spans, events) = watched(kit.send().into_future()).await;
        outcome.unwrap_err();
        let ended: Vec<_> = events.iter().filter(|event| event.level <= Level::INFO).collect();
        assert_eq!((ended.len(), ended[0].level, ended[0].parent), (1, Level::WARN, Some(spans[0].id)));
        let fields = &ended[0].fields;
        assert_eq!(
            (fields["message"].as_str(), fields["attempts"].as_str()),
            ("the call failed after retries", "2")
        );
        assert_eq!((fields["operation"].as_str(), fields["error.type"].as_str()), ("SendToRoom", error_type));
        assert_eq!(fields.get("http.response.status_code").map(String::as_str), status);
        assert_eq!(fields.get("cause").map(String::as_str), cause);
        assert_eq!(fields["server.address"], "rooms.example");
        if status.is_some() {
            assert_eq!(
                (fields["code"].as_str(), fields["request_id"].as_str(), fields["wait_ms"].as_str()),
                ("Busy", "id-1", "2000")
            );
        }
        assert_eq!(spans[0].fields["otel.status_code"], "ERROR");
    }
}

#[tokio::test]
async fn neither_spans_nor_events_contain_an_argument_of_the_call() {
    let kit = Kit::new();
    let body = r#"{"code":"Busy","message":"room alice is closed"}"#;
    for _ in 0..2 {
        kit.script
            .respond(response(503, &[("retry-after", "0")]).map(|_| Bytes::from_static(body.as_bytes())))
            .status(404);
    }
    let named = || Call::new(&kit.pipeline, &CLOSE, &[("room", "alice")], read::unit);
    let mut call = named();
    call.query("reason", "alice");
    let (_, spans, events) = watched(call.send()).await;
    let raw =
        crate::RawRequest::new(&kit.pipeline, Method::PUT, "/users/{}", &["alice"]).query("user", "alice");
    let (_, more_spans, more_events) = watched(raw.into_future()).await;
    let seen = [spans, events, more_spans, more_events].concat();
    assert!(seen.len() >= 10 && !format!("{seen:?}").contains("alice"), "{seen:?}");
    assert!(seen.iter().any(|seen| seen.fields.get("otel.name").is_some_and(|name| name == "PUT")));
    for seen in seen {
        assert!(["service_core::call", "service_core::attempt"].contains(&seen.target.as_str()), "{seen:?}");
    }
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
    assert_eq!((events.len(), events[1].level), (2, Level::INFO));
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
    let filter = tracing_subscriber::filter::LevelFilter::WARN;
    let subscriber = tracing_subscriber::registry().with(filter).with(watcher.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let status = tracing::field::Empty;
    let outer = tracing::warn_span!("handler", "http.response.status_code" = status);
    let kit = Kit::new();
    kit.script.status(204);
    kit.close().into_future().instrument(outer).await.unwrap();
    let spans = watcher.spans.lock().unwrap();
    assert_eq!((spans.len(), spans[0].name.as_str(), spans[0].fields.len()), (1, "handler", 0), "{spans:?}");
}

#[tokio::test]
async fn a_call_in_a_span_of_the_service_has_its_name_kind_and_fields_and_those_of_every_call() {
    let kit = Kit::new();
    kit.script.respond(response(204, &[("x-request-id", "id-1")]));
    let call = Call::new(&kit.pipeline, &CLOSE, &[("room", "blue")], read::unit);
    let open = |pipeline: &Pipeline| {
        let key = pipeline.endpoint().is_https();
        crate::call_span!("rooms.request_id", kind = "client", name = "close", "rooms.key" = key)
    };
    let (outcome, spans, _) = watched(call.send_in(open)).await;
    outcome.unwrap();
    assert_eq!(
        pairs(&spans[0]),
        [
            ("http.request.method", "DELETE"),
            ("http.response.status_code", "204"),
            ("otel.kind", "client"),
            ("otel.name", "close"),
            ("rooms.key", "true"),
            ("rooms.request_id", "id-1"),
            ("server.address", "rooms.example"),
            ("server.port", "443"),
        ]
    );
    assert_eq!(spans[1].parent, Some(spans[0].id), "the attempt is part of the call");
}

/// A trace context whose span has this number, for each time that it is asked for.
fn numbered() -> (impl Fn() -> Option<crate::TraceContext> + Send + Sync + 'static, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let current = move || {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let context = crate::TraceContext::new(format!("00-{:032x}-{number:016x}-01", 7)).unwrap();
        Some(context.with_tracestate(format!("rooms={number}")).unwrap())
    };
    (current, asked)
}

#[tokio::test]
async fn each_attempt_has_the_trace_context_of_its_own_span() {
    let (current, asked) = numbered();
    let kit = Kit::with(|client| client.trace_context(current));
    kit.script.respond(response(503, &[("retry-after", "2")])).fail(Delivery::Unknown).status(204);
    kit.close().await.unwrap();
    let headers: Vec<_> = kit.script.sent().iter().map(|request| request.headers().clone()).collect();
    assert_eq!((headers.len(), asked.load(Ordering::SeqCst)), (3, 3));
    for (number, headers) in (1..).zip(headers) {
        let traceparent = format!("00-{:032x}-{number:016x}-01", 7);
        assert_eq!(headers.get_all("traceparent").iter().collect::<Vec<_>>(), [traceparent.as_str()]);
        assert_eq!(headers["tracestate"], format!("rooms={number}"));
    }
}

#[tokio::test]
async fn the_context_is_asked_for_within_the_span_of_the_attempt() {
    let inside = Arc::new(Mutex::new(Vec::new()));
    let current = {
        let inside = Arc::clone(&inside);
        move || {
            let id = tracing::Span::current().id().map(|id| id.into_u64());
            inside.lock().unwrap().push(id);
            None
        }
    };
    let kit = Kit::with(|client| client.trace_context(current));
    kit.script.respond(response(503, &[("retry-after", "2")])).status(204);
    let (outcome, spans, _) = watched(kit.close().into_future()).await;
    outcome.unwrap();
    let attempts: Vec<_> =
        spans.iter().filter(|span| span.name == "attempt").map(|span| Some(span.id)).collect();
    assert_eq!((attempts.len(), &attempts), (2, &*inside.lock().unwrap()));
    assert!(!kit.script.sent()[0].headers().contains_key("traceparent"), "there was no context");
}

#[tokio::test]
async fn a_trace_context_that_the_caller_sets_is_left_alone() {
    let (current, _) = numbered();
    let kit = Kit::with(|client| client.trace_context(current));
    kit.script.status(503).status(204);
    let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    kit.close().header("traceparent", own).await.unwrap();
    for request in kit.script.sent() {
        assert_eq!(request.headers().get_all("traceparent").iter().collect::<Vec<_>>(), [own]);
        assert!(!request.headers().contains_key("tracestate"));
    }
}
