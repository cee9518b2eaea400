//! The metrics: values and attributes exactly, in virtual time.

use std::future::poll_fn;
use std::task::Poll;

use super::*;

/// The values of the messaging metrics, each as `name value key=value ..` with the attributes that are not the same for all.
fn values(kit: &Kit) -> Vec<String> {
    let mut lines = Vec::new();
    for recorded in kit.meter.values() {
        let Some(name) = recorded.instrument.name.strip_prefix("messaging.") else { continue };
        let mut line = format!("{name} {}", recorded.value);
        for (key, value) in &recorded.attributes {
            match *key {
                "messaging.system" => assert_eq!(value, "eventgrid"),
                "messaging.destination.name" => assert_eq!(value, "orders"),
                "server.address" => assert_eq!(value, "x.example"),
                "server.port" => assert_eq!(value, "443"),
                key => line.push_str(&format!(" {}={value}", key.trim_start_matches("messaging."))),
            }
        }
        let fixed = ["messaging.system", "messaging.destination.name", "server.address", "server.port"];
        assert!(fixed.iter().all(|key| recorded.attributes.contains_key(key)), "{recorded:?}");
        lines.push(line);
    }
    lines
}

#[tokio::test]
async fn a_publish_is_one_duration_and_its_events_are_counted_with_the_reason_of_a_failure() {
    let kit = Kit::new();
    let sender = kit.client.sender("orders");
    kit.respond(200, "{}");
    sender.send(event("1")).await.unwrap();
    // With one retry, the call takes two seconds.
    kit.respond(503, "").respond(200, "{}");
    sender.send_batch([event("1"), event("2"), event("3")]).await.unwrap();
    kit.respond(400, "");
    sender.send_batch([event("1"), event("2")]).await.unwrap_err();
    assert_eq!(
        values(&kit),
        [
            "client.operation.duration 1 operation.name=publish operation.type=send",
            "client.sent.messages 1 operation.name=publish",
            "client.operation.duration 2 operation.name=publish operation.type=send",
            "client.sent.messages 3 operation.name=publish",
            "client.operation.duration 1 error.type=400 operation.name=publish operation.type=send",
            "client.sent.messages 2 error.type=400 operation.name=publish",
        ]
    );
}

#[tokio::test]
async fn the_requests_of_send_all_are_publishes() {
    let kit = Kit::new();
    kit.respond(200, "{}").respond(403, "");
    let events: Vec<_> = (0..1_001).map(|id| event(&id.to_string())).collect();
    let result = kit.client.sender("orders").send_all(events).await;
    assert_eq!((result.sent, result.failed.len()), (1_000, 1));
    assert_eq!(kit.meter.sum("messaging.client.sent.messages", &[("error.type", "")]), 1_000.0);
    assert_eq!(kit.meter.sum("messaging.client.sent.messages", &[("error.type", "403")]), 1.0);
}

#[tokio::test]
async fn a_receive_is_one_duration_and_its_events_are_counted() {
    let kit = Kit::new();
    let receiver = kit.client.receiver("orders", "billing");
    kit.respond(200, &events(&["1", "2"])).respond(200, &events(&[])).respond(404, "");
    assert_eq!(receiver.receive().max_events(10).await.unwrap().len(), 2);
    assert_eq!(receiver.receive().await.unwrap().len(), 0);
    receiver.receive().await.unwrap_err();
    let billing = "destination.subscription.name=billing";
    assert_eq!(
        values(&kit),
        [
            format!("client.operation.duration 1 {billing} operation.name=receive operation.type=receive"),
            format!("client.consumed.messages 2 {billing} operation.name=receive"),
            format!("client.operation.duration 1 {billing} operation.name=receive operation.type=receive"),
            format!(
                "client.operation.duration 1 error.type=404 {billing} operation.name=receive operation.type=receive"
            ),
        ]
    );
}

#[tokio::test]
async fn a_settle_request_is_one_duration_and_has_failed_if_no_token_succeeded() {
    let kit = Kit::new();
    let receiver = kit.client.receiver("orders", "billing");
    kit.settles(&["a"], &[("b", "TokenLost")]);
    assert_eq!(receiver.acknowledge(["a", "b"]).await.unwrap().failed.len(), 1);
    kit.settles(&[], &[("a", "BadToken"), ("b", "TokenLost")]);
    assert_eq!(receiver.release(["a", "b"]).await.unwrap().failed.len(), 2);
    kit.settles(&[], &[("a", "Invented")]);
    assert_eq!(receiver.reject(["a"]).await.unwrap().failed.len(), 1);
    kit.respond(401, "");
    receiver.reject(["a"]).await.unwrap_err();
    kit.settles(&["a"], &[]);
    assert_eq!(receiver.renew_locks(["a"]).await.unwrap().succeeded.len(), 1);
    let duration = |error: &str, name: &str| {
        let error = if error.is_empty() { String::new() } else { format!(" error.type={error}") };
        format!(
            "client.operation.duration 1{error} destination.subscription.name=billing operation.name={name}"
        )
    };
    let settle = |error: &str, name: &str| duration(error, name) + " operation.type=settle";
    assert_eq!(
        values(&kit),
        [
            settle("", "acknowledge"),
            settle("BadToken", "release"),
            settle("_OTHER", "reject"),
            settle("401", "reject"),
            duration("", "renew_lock"),
        ]
    );
}

#[tokio::test]
async fn a_call_with_an_invalid_argument_sends_nothing_and_measures_nothing() {
    let kit = Kit::new();
    let (sender, receiver) = (kit.client.sender("orders"), kit.client.receiver("orders", "billing"));
    assert!(sender.send_batch([]).await.unwrap_err().is_invalid_input());
    assert!(receiver.receive().max_events(0).await.unwrap_err().is_invalid_input());
    assert!(receiver.acknowledge::<String>([]).await.unwrap_err().is_invalid_input());
    assert_eq!((kit.script.sent().len(), kit.meter.values()), (0, Vec::new()));
}

#[tokio::test]
async fn a_call_that_is_dropped_measures_nothing() {
    let kit = Kit::new();
    kit.script.hang();
    let mut receive = kit.client.receiver("orders", "billing").receive().into_future();
    let is_pending = poll_fn(|context| Poll::Ready(receive.as_mut().poll(context).is_pending())).await;
    assert_eq!((is_pending, kit.script.sent().len()), (true, 1));
    drop(receive);
    assert_eq!(kit.meter.values(), Vec::new());
}
