//! The trace context of published events: added to events that carry none, never to the caller's copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use eventgrid_namespaces::{CloudEvent, EventBatch, Sender, TraceContext};
use http::Response;
use service_core::testing::{ManualClock, ScriptedTransport};

use crate::common::namespace_builder;

const CALL: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OWN: &str = "00-11111111111111111111111111111111-2222222222222222-00";

fn traced() -> (Sender, ScriptedTransport) {
    let script = ScriptedTransport::new();
    let current = || TraceContext::new(CALL).ok()?.with_tracestate("a=\"1\"").ok();
    let builder = namespace_builder().transport(Arc::new(script.clone())).trace_context(current);
    script.respond(Response::new("{}"));
    (builder.build().unwrap().sender("orders"), script)
}

fn event() -> CloudEvent {
    CloudEvent::new("/s", "t", &"}").unwrap()
}

fn with_own() -> CloudEvent {
    event().into_builder().extension("traceparent", OWN).build().unwrap()
}

fn contexts(script: &ScriptedTransport) -> Vec<(String, Option<String>)> {
    let request = script.sent().remove(0);
    assert_eq!(
        (&request.headers()["traceparent"], &request.headers()["tracestate"]),
        (&CALL.parse().unwrap(), &"a=\"1\"".parse().unwrap())
    );
    let events: Vec<CloudEvent> = match request.body().first() {
        Some(b'[') => serde_json::from_slice(request.body()).unwrap(),
        _ => vec![CloudEvent::from_http(request.headers(), request.body().clone()).unwrap()],
    };
    let context = |event: &CloudEvent| {
        let context = event.trace_context().unwrap();
        (context.traceparent().to_owned(), context.tracestate().map(str::to_owned))
    };
    events.iter().map(context).collect()
}

fn call() -> (String, Option<String>) {
    (CALL.to_owned(), Some("a=\"1\"".to_owned()))
}

#[tokio::test]
async fn an_event_without_a_trace_context_gets_that_of_the_publish_in_either_mode() {
    let (sender, script) = traced();
    let given = event();
    sender.send(given.clone()).await.unwrap();
    assert_eq!(contexts(&script), [call()]);
    assert_eq!(given.trace_context(), None);

    let (sender, script) = traced();
    sender.send(event()).binary_mode().await.unwrap();
    assert_eq!(contexts(&script), [call()]);
}

#[tokio::test]
async fn an_event_keeps_the_trace_context_that_it_carries() {
    let (sender, script) = traced();
    sender.send(with_own()).await.unwrap();
    assert_eq!(contexts(&script), [(OWN.to_owned(), None)]);

    let (sender, script) = traced();
    let state = event().into_builder().extension("tracestate", "b=2").build().unwrap();
    sender.send(state).await.unwrap();
    assert!(!String::from_utf8_lossy(script.sent()[0].body()).contains("traceparent"));
}

#[tokio::test]
async fn each_event_of_a_batch_without_a_trace_context_gets_that_of_the_publish() {
    let (sender, script) = traced();
    sender.send_batch([event(), with_own(), event()]).await.unwrap();
    assert_eq!(contexts(&script), [call(), (OWN.to_owned(), None), call()]);
}

#[tokio::test]
async fn a_request_that_has_no_room_for_the_trace_context_is_published_without_it() {
    let fill =
        |event: CloudEvent, bytes: usize| event.into_builder().data_json(&"x".repeat(bytes)).build().unwrap();
    let mut batch = EventBatch::new();
    batch.try_add(fill(event(), 1_000)).unwrap();
    let largest = EventBatch::MAX_BYTES - batch.bytes() + 1_000;
    for single in [true, false] {
        let (sender, script) = traced();
        let event = fill(event(), largest);
        if single {
            sender.send(event).await.unwrap();
        } else {
            sender.send_batch([event]).await.unwrap();
        }
        let request = script.sent().remove(0);
        assert!(request.body().len() <= EventBatch::MAX_BYTES);
        assert!(request.headers().contains_key("traceparent"));
        assert!(!request.body().windows(11).any(|bytes| bytes == b"traceparent"));
    }
}

#[test]
fn a_malformed_trace_context_is_kept_as_an_extension_and_ignored() {
    let event = event().into_builder().extension("traceparent", "00-xyz").build().unwrap();
    assert_eq!(event.trace_context(), None);
    assert!(event.extension("traceparent").is_some());
    let event = with_own().into_builder().extension("tracestate", "é").build().unwrap();
    assert_eq!(event.trace_context().unwrap().tracestate(), None);
}

#[tokio::test]
async fn each_attempt_has_its_own_trace_context_and_the_event_keeps_that_of_the_publish() {
    let (script, asked) = (ScriptedTransport::new(), AtomicUsize::new(1));
    let context = |number: usize| format!("00-0af7651916cd43dd8448eb211c80319c-{number:016x}-01");
    let current = move || TraceContext::new(context(asked.fetch_add(1, Ordering::Relaxed))).ok();
    let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
    let builder = namespace_builder().transport(Arc::new(script.clone())).clock(Arc::new(clock));
    script.status(429).respond(Response::new("{}"));
    let sender = builder.trace_context(current).build().unwrap().sender("orders");
    sender.send(event()).header("x-own", "1").await.unwrap();
    let sent = script.sent();
    let headers: Vec<_> =
        sent.iter().map(|request| request.headers()["traceparent"].to_str().unwrap()).collect();
    assert_eq!(headers, [context(2), context(3)]);
    for request in &sent {
        let event = CloudEvent::from_json(request.body()).unwrap();
        assert_eq!(event.trace_context().unwrap().traceparent(), context(1));
    }
}

#[tokio::test]
async fn a_trace_context_that_the_caller_has_set_is_sent() {
    let (sender, script) = traced();
    sender.send(event()).header("traceparent", OWN).await.unwrap();
    let request = script.sent().remove(0);
    assert_eq!(request.headers()["traceparent"], OWN);
    assert!(!request.headers().contains_key("tracestate"));
}
