//! Receiving: its request and timeouts, and that every event of a response is returned with its lock token, regardless of
//! the others.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{
    Clock, CloudEvent, Delivery, ErrorKind, Receive, ReceivedEvent, Receiver, StopReason,
};
use http::Response;
use service_core::testing::{ManualClock, ScriptedTransport};

use crate::common::{self, namespace_builder};

fn scripted() -> (ScriptedTransport, ManualClock, Receiver) {
    let (transport, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
    let builder = namespace_builder().transport(Arc::new(transport.clone())).clock(Arc::new(clock.clone()));
    (transport, clock, common::receiver(builder))
}

async fn receive(body: &'static str) -> Vec<ReceivedEvent> {
    let (transport, _, receiver) = scripted();
    transport.respond(Response::new(body));
    receiver.receive().max_events(100).await.unwrap()
}

async fn receive_bytes(body: Vec<u8>) -> Vec<ReceivedEvent> {
    let (transport, _, receiver) = scripted();
    transport.respond(Response::new(body));
    receiver.receive().max_events(100).await.unwrap()
}

#[tokio::test]
async fn by_default_a_receive_asks_for_one_event_for_a_minute() {
    let (transport, _, receiver) = scripted();
    for _ in 0..2 {
        transport.respond(Response::new(r#"{"value":[]}"#));
    }
    assert!(receiver.receive().await.unwrap().is_empty());
    let other = receiver.receive().max_events(100).max_wait_time(Duration::from_secs(10));
    assert!(other.await.unwrap().is_empty());
    let targets: Vec<_> = transport.sent().iter().map(|request| request.uri().to_string()).collect();
    let path = "https://x.example/topics/orders/eventsubscriptions/billing:receive?api-version=2024-06-01";
    assert_eq!(
        targets,
        [format!("{path}&maxEvents=1&maxWaitTime=60"), format!("{path}&maxEvents=100&maxWaitTime=10")]
    );
    let request = &transport.sent()[0];
    assert!(request.body().is_empty() && !request.headers().contains_key("content-type"));
}

#[tokio::test]
async fn bounds_are_checked_before_anything_is_sent() {
    let (transport, _, receiver) = scripted();
    let seconds = Duration::from_secs;
    let wrong: [(Receive, &str); 6] = [
        (receiver.receive().max_events(0), r#"max events must be 1 to 100, got "0""#),
        (receiver.receive().max_events(101), r#"got "101""#),
        (receiver.receive().max_wait_time(seconds(9)), "max wait time must be 10 s to 120 s"),
        (receiver.receive().max_wait_time(seconds(121)), r#"got "121s""#),
        (receiver.receive().max_wait_time(Duration::from_millis(10_500)), "whole seconds"),
        (receiver.receive().max_wait_time(Duration::MAX), "max wait time"),
    ];
    for (call, rule) in wrong {
        let error = call.await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
    }
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn the_longest_wait_may_exceed_the_clients_default_timeouts() {
    let (transport, clock, receiver) = scripted();
    let response = Response::new(r#"{"value":[]}"#);
    transport.respond_after(Arc::new(clock.clone()), Duration::from_secs(134), response);
    let call = receiver.receive().max_wait_time(Duration::from_secs(120));
    assert!(call.await.unwrap().is_empty());
    assert_eq!(clock.elapsed(), Duration::from_secs(134));
}

#[tokio::test]
async fn a_receive_whose_outcome_is_unknown_is_not_retried() {
    for delivery in [Delivery::Unknown, Delivery::Accepted] {
        let (transport, _, receiver) = scripted();
        transport.fail(delivery);
        let error = receiver.receive().await.unwrap_err();
        assert_eq!((transport.sent().len(), error.stop_reason()), (1, Some(StopReason::NotIdempotent)));
    }
    let (transport, _, receiver) = scripted();
    transport.fail(Delivery::NotSent).status(429).respond(Response::new(r#"{"value":[]}"#));
    assert!(receiver.receive().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_hides_no_other_and_keeps_its_lock_token() {
    let events = receive(
        r##"{"value":[
        {"brokerProperties":{"lockToken":"a","deliveryCount":1},"event":{"specversion":"1.0","id":"1","source":"/s","type":"t","data":0}},
        {"brokerProperties":{"lockToken":"b","deliveryCount":3},"event":{"specversion":"1.0", "id":7}},
        {"brokerProperties":{"lockToken":"c","deliveryCount":2,"more":1},"event":"text"},
        {"brokerProperties":{"lockToken":"d","deliveryCount":1},"event":{"specversion":"1.0","id":"4","source":"/s","type":"t","dataschema":"#"},"more":[]}
        ]}"##,
    )
    .await;
    let locks: Vec<_> = events.iter().map(|one| (one.lock_token.as_str(), one.delivery_count)).collect();
    assert_eq!(locks, [("a", 1), ("b", 3), ("c", 2), ("d", 1)]);
    let ids: Vec<_> = events.iter().map(|one| one.event.as_ref().ok().map(CloudEvent::id)).collect();
    assert_eq!(ids, [Some("1"), None, None, Some("4")]);
    let unreadable = events[1].event.as_ref().unwrap_err();
    assert_eq!(&unreadable.json()[..], br#"{"specversion":"1.0", "id":7}"#);
    assert!(unreadable.reason().to_string().contains("id"), "{}", unreadable.reason());
    assert_eq!(&events[2].event.as_ref().unwrap_err().json()[..], br#""text""#);
}

#[tokio::test]
async fn a_missing_part_of_an_entry_does_not_discard_the_others() {
    let event = r#""event":{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
    for (entry, token, count, readable) in [
        (format!(r#"{{"brokerProperties":{{"lockToken":"a"}},{event}}}"#), "a", 0, true),
        (format!(r#"{{"brokerProperties":{{"lockToken":"a","deliveryCount":"x"}},{event}}}"#), "a", 0, true),
        (format!(r#"{{"brokerProperties":{{"deliveryCount":2}},{event}}}"#), "", 2, true),
        (format!(r#"{{"brokerProperties":null,{event}}}"#), "", 0, true),
        (format!("{{{event}}}"), "", 0, true),
        (r#"{"brokerProperties":{"lockToken":"a","deliveryCount":1}}"#.to_owned(), "a", 1, false),
        (r#"{"brokerProperties":{"lockToken":"a"},"event":null}"#.to_owned(), "a", 0, false),
        ("7".to_owned(), "", 0, false),
    ] {
        let one = receive(format!(r#"{{"value":[{entry}]}}"#).leak()).await.remove(0);
        assert_eq!(
            (one.lock_token.as_str(), one.delivery_count, one.event.is_ok()),
            (token, count, readable)
        );
    }
}

#[tokio::test]
async fn a_defect_inside_one_event_neither_hides_the_others_nor_discards_a_lock_token() {
    let head = br#"{"value":[{"brokerProperties":{"lockToken":"a","deliveryCount":1},"event":{"specversion":"1.0","id":"1","source":"/s","type":"t"}},
        {"brokerProperties":{"lockToken":"b","deliveryCount":2"#;
    for (defect, reason) in [
        (&b"},\"event\":{\"id\":\"\xff\"}"[..], "the event is not UTF-8"),
        (b"},\"event\":{\"id\":\"\xed\xa0\x80,}]\"}", "the event is not UTF-8"),
        (b"},\"event\":{\"data\":\"a\tb\"}", "not valid JSON"),
        (b"},\"event\":{\"data\":\"\\q\"}", "not valid JSON"),
        (b"},\"event\":{\"data\":NaN}", "not valid JSON"),
        (b",\"more\":\"\xff\"},\"event\":{\"data\":01}", "not valid JSON"),
    ] {
        let body = [&head[..], defect, b"}]}"].concat();
        let events = receive_bytes(body).await;
        let locks: Vec<_> = events.iter().map(|one| (one.lock_token.as_str(), one.delivery_count)).collect();
        assert_eq!((locks, events[0].event.is_ok()), (vec![("a", 1), ("b", 2)], true), "{reason}");
        let unreadable = events[1].event.as_ref().unwrap_err();
        assert!(unreadable.reason().to_string().contains(reason), "{}", unreadable.reason());
        assert!(defect.ends_with(unreadable.json()), "{:?}", unreadable.json());
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_the_response_is_skipped() {
    let (transport, _, receiver) = scripted();
    for event in [r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#, "{}"] {
        let body = format!(
            "\u{feff}{{\"value\":[{{\"brokerProperties\":{{\"lockToken\":\"a\"}},\"event\":{event}}}]}}"
        );
        transport.respond(Response::new(body));
        let events = receiver.receive().await.unwrap();
        assert_eq!((events[0].lock_token.as_str(), events[0].event.is_ok()), ("a", event != "{}"));
    }
    let settled = "\u{feff}{\"succeededLockTokens\":[\"a\"],\"failedLockTokens\":[]}";
    for _ in 0..2 {
        transport.respond(Response::new(settled));
    }
    assert_eq!(receiver.acknowledge(["a"]).await.unwrap().into_result().unwrap(), ["a"]);
    assert_eq!(receiver.renew_locks(["a"]).await.unwrap().into_result().unwrap(), ["a"]);
}

#[tokio::test]
async fn a_success_without_the_required_members_or_of_another_type_is_an_error_with_an_unknown_outcome() {
    let error = r#"{"error":{"code":"Oops","message":"planted"}}"#;
    for (content_type, body, reason) in [
        ("application/json", "{}", "not the expected JSON"),
        ("application/json", r#"{"value":null}"#, "not the expected JSON"),
        ("application/json", "[[]]", "not a JSON object"),
        ("application/json; charset=utf-8", error, "Oops"),
        ("text/html", r#"{"value":[]}"#, r#"its content type is "text/html", not JSON"#),
    ] {
        let (transport, _, receiver) = scripted();
        for _ in 0..3 {
            transport.respond(Response::builder().header("content-type", content_type).body(body).unwrap());
        }
        let results = [
            receiver.receive().await.map(|_| ()),
            receiver.renew_locks(["t"]).await.map(|_| ()),
            receiver.acknowledge(["t"]).await.map(|_| ()),
        ];
        for (sent, result) in results.into_iter().enumerate() {
            let error = result.unwrap_err();
            let text = error.to_string();
            assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Decode, true), "{text}");
            assert!(text.contains("does not look like one from the service"), "{text}");
            assert!(sent > 0 || text.contains(reason), "{text}");
            assert!(!format!("{text} {error:?}").contains("planted"), "{error:?}");
        }
        assert_eq!(transport.sent().len(), 3, "not retried");
    }
}

#[tokio::test]
async fn a_response_that_is_not_a_list_of_events_is_an_error_that_quotes_nothing() {
    for body in ["", "<html>planted</html>", r#"{"value":[{"event":"planted"#, r#"{"value":{"planted":1}}"#] {
        let (transport, _, receiver) = scripted();
        transport.respond(Response::new(body));
        let error = receiver.receive().await.unwrap_err();
        assert_eq!((error.kind(), transport.sent().len()), (ErrorKind::Decode, 1));
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    }
}

/// Records the maximum response sizes that the client passes to its transport.
#[derive(Debug, Default)]
struct Caps(std::sync::Mutex<Vec<usize>>);

#[async_trait::async_trait]
impl eventgrid_namespaces::Transport for Caps {
    async fn send(
        &self,
        _: http::Request<bytes::Bytes>,
        options: &eventgrid_namespaces::SendOptions,
    ) -> eventgrid_namespaces::Result<Response<bytes::Bytes>> {
        self.0.lock().unwrap().push(options.max_response_bytes);
        Ok(Response::new(r#"{"value":[]}"#.into()))
    }

    async fn upgrade(
        &self,
        _: http::Request<()>,
        _: &eventgrid_namespaces::SendOptions,
    ) -> eventgrid_namespaces::Result<eventgrid_namespaces::Upgrade> {
        unreachable!("nothing upgrades")
    }
}

#[tokio::test]
async fn the_response_may_be_as_large_as_the_requested_events() {
    let caps = Arc::new(Caps::default());
    let receiver = common::receiver(namespace_builder().transport(Arc::clone(&caps) as Arc<_>));
    for events in [1, 100] {
        receiver.receive().max_events(events).await.unwrap();
    }
    let mebibytes = |count: f64| (count * 1_048_576.0) as usize;
    assert_eq!(*caps.0.lock().unwrap(), [mebibytes(5.5), mebibytes(154.0)]);
}
