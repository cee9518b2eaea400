//! Publishing all events of an iterator or a stream: how requests are filled, how many are in flight, and what is reported.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{CloudEvent, Delivery, EventBatch, RetryOptions, Sender};
use futures_core::Stream;
use http::Response;
use service_core::Clock;
use service_core::testing::{ManualClock, ScriptedTransport};
use tokio::sync::mpsc;

use crate::common::{emulator, key, namespace_builder};

fn scripted() -> (Sender, ScriptedTransport, ManualClock) {
    let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
    let builder = namespace_builder().transport(Arc::new(script.clone())).clock(Arc::new(clock.clone()));
    (builder.build().unwrap().sender("orders"), script, clock)
}

fn event(id: usize) -> CloudEvent {
    CloudEvent::builder("/s", "t").id(id.to_string()).data_json(&id).build().unwrap()
}

/// The ids of the events in each request.
fn sent(script: &ScriptedTransport) -> Vec<Vec<usize>> {
    let ids = |body: &[u8]| {
        let events: Vec<CloudEvent> = serde_json::from_slice(body).unwrap();
        events.iter().map(|event| event.id().parse().unwrap()).collect()
    };
    script.sent().iter().map(|request| ids(request.body())).collect()
}

fn indexes(events: &[(usize, CloudEvent)]) -> Vec<usize> {
    assert!(events.iter().all(|(index, event)| event.id() == index.to_string()));
    events.iter().map(|(index, _)| *index).collect()
}

/// A stream that waits for its sender.
struct Channel(mpsc::UnboundedReceiver<CloudEvent>);

impl Stream for Channel {
    type Item = CloudEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<CloudEvent>> {
        self.0.poll_recv(context)
    }
}

#[tokio::test]
async fn every_event_of_an_iterator_arrives_in_as_few_requests_as_possible() {
    let emulator = emulator().await;
    let sender = Sender::new(&emulator.endpoint(), "orders", key(&emulator)).unwrap();
    for concurrency in [1, 4] {
        let result = sender.send_all((0..2500).map(event)).concurrency(concurrency).await;
        assert_eq!(result.into_result().unwrap(), 2500);
    }
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 5000);

    let (sender, script, _) = scripted();
    for _ in 0..3 {
        script.respond(Response::new("{}"));
    }
    assert_eq!(sender.send_all((0..2500).map(event)).await.sent, 2500);
    assert_eq!(
        sent(&script),
        [(0..1000).collect::<Vec<_>>(), (1000..2000).collect(), (2000..2500).collect()]
    );
    assert_eq!(sender.send_all(Vec::new()).await.into_result().unwrap(), 0);
}

#[tokio::test]
async fn requests_are_also_limited_by_their_size() {
    let (sender, script, _) = scripted();
    let large = |id: usize| event(id).into_builder().data_json(&"x".repeat(400_000)).build().unwrap();
    for _ in 0..3 {
        script.respond(Response::new("{}"));
    }
    assert_eq!(sender.send_all((0..5).map(large)).concurrency(2).await.sent, 5);
    assert_eq!(sent(&script), [vec![0, 1], vec![2, 3], vec![4]]);
    assert!(script.sent().iter().all(|request| request.body().len() <= EventBatch::MAX_BYTES));
}

#[tokio::test]
async fn the_events_of_a_failed_request_are_returned_with_the_reason_and_the_others_are_sent() {
    let (sender, script, _) = scripted();
    script.respond(Response::new("{}")).status(403).fail(Delivery::Unknown).respond(Response::new("{}"));
    let result = sender.send_all((0..3500).map(event)).retry(RetryOptions::none()).await;
    assert_eq!((result.sent, result.failed.len(), script.sent().len()), (1500, 2, 4));
    assert_eq!(indexes(&result.failed[0].events), (1000..2000).collect::<Vec<_>>());
    assert_eq!(result.failed[0].error.status().unwrap(), 403);
    assert_eq!(indexes(&result.failed[1].events), (2000..3000).collect::<Vec<_>>());
    assert!(result.failed[1].error.outcome_unknown());
    let shown = result.failed[0].to_string();
    assert!(
        shown.starts_with("could not publish 1000 events (1000 to 1999): PublishCloudEvents: 403"),
        "{shown}"
    );
    let error = result.into_result().unwrap_err();
    assert!(error.outcome_unknown() && error.to_string().contains("2000 of 3500 events"), "{error}");
}

#[tokio::test]
async fn an_event_that_fits_no_request_is_returned_and_does_not_affect_the_others() {
    let (sender, script, _) = scripted();
    script.respond(Response::new("{}"));
    let events = vec![
        event(0),
        CloudEvent::builder("/s", "t").id("1").build().unwrap(),
        event(2).into_builder().data_json(&"x".repeat(EventBatch::MAX_BYTES)).build().unwrap(),
        event(3),
    ];
    let result = sender.send_all(events).await;
    assert_eq!((result.sent, sent(&script)), (2, vec![vec![0, 3]]));
    for (failed, (index, rule)) in result.failed.iter().zip([(1, "no data"), (2, "exceed the maximum")]) {
        assert_eq!(indexes(&failed.events), [index]);
        let text = failed.to_string();
        assert!(failed.error.is_invalid_input() && text.contains(rule), "{text}");
        assert!(text.starts_with(&format!("could not publish event {index}: ")), "{text}");
    }
}

#[tokio::test]
async fn at_most_as_many_requests_as_allowed_are_in_flight_and_no_event_is_taken_early() {
    for (concurrency, seconds, requests) in [(1, 10, 10), (4, 3, 4), (100, 1, 10)] {
        let (sender, script, clock) = scripted();
        for _ in 0..10 {
            script.respond_after(Arc::new(clock.clone()), Duration::from_secs(1), Response::new("{}"));
        }
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let events = (0..10_000).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let mut sending = sender.send_all(events.map(event)).concurrency(concurrency);
        assert_eq!(sending.next().await.unwrap().unwrap(), 1000);
        assert_eq!(script.sent().len(), requests.min(concurrency));
        let ahead = taken.load(Ordering::SeqCst);
        assert!(ahead <= (concurrency + 1) * 1000 + 1, "{ahead} events taken");
        let mut published = 1000;
        while let Some(outcome) = sending.next().await {
            published += outcome.unwrap();
        }
        assert_eq!((published, clock.elapsed()), (10_000, Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn a_request_is_sent_when_the_stream_has_no_event_at_the_moment() {
    let (sender, script, _) = scripted();
    for _ in 0..2 {
        script.respond(Response::new("{}"));
    }
    let (input, output) = mpsc::unbounded_channel();
    let mut sending = sender.send_all(Channel(output));
    (0..3).for_each(|id| input.send(event(id)).unwrap());
    assert_eq!(sending.next().await.unwrap().unwrap(), 3);
    input.send(event(3)).unwrap();
    drop(input);
    assert_eq!(sending.next().await.unwrap().unwrap(), 1);
    assert!(sending.next().await.is_none() && sending.next().await.is_none());
    assert_eq!(sent(&script), [vec![0, 1, 2], vec![3]]);
}

#[tokio::test]
async fn overrides_apply_to_each_request_and_an_invalid_one_sends_nothing() {
    let (sender, script, _) = scripted();
    for _ in 0..2 {
        script.respond(Response::new("{}"));
    }
    sender.send_all((0..1001).map(event)).header("x-team", "billing").await.into_result().unwrap();
    assert!(script.sent().iter().all(|request| request.headers()["x-team"] == "billing"));
    for sending in [
        sender.send_all((0..1001).map(event)).header("x", "a\nb"),
        sender.send_all([event(0)]).concurrency(0),
    ] {
        let error = sending.await.into_result().unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
    }
    assert_eq!(script.sent().len(), 2);
}
