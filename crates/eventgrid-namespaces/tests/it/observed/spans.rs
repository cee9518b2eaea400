//! The spans of calls: their names, kinds, and attributes.

use std::collections::BTreeMap;

use tracing::Level;

use super::*;
use crate::common::spans::Spans;

/// The fields that all spans of these calls have.
const COMMON: [(&str, &str); 5] = [
    ("azure.resource_provider.namespace", "Microsoft.EventGrid"),
    ("http.request.method", "POST"),
    ("messaging.system", "eventgrid"),
    ("server.address", "x.example"),
    ("server.port", "443"),
];

/// Checks the common fields of a span and returns the others.
fn further((name, level, mut fields): (&'static str, Level, BTreeMap<&'static str, String>)) -> Vec<String> {
    assert_eq!((name, level), ("call", Level::INFO));
    for (key, value) in COMMON {
        assert_eq!(fields.remove(key).as_deref(), Some(value), "{key}");
    }
    assert!(fields.remove("azure.service.request.id").is_some(), "a random id");
    fields.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
}

#[tokio::test]
async fn a_publish_is_a_producer_span_with_the_id_of_its_event_or_the_number_of_its_events() {
    let (spans, _guard) = Spans::start(&["call"]);
    let kit = Kit::new();
    let sender = kit.client.sender("orders");
    kit.respond(200, "{}").respond(503, "").respond(200, "{}");
    sender.send(event("id-1")).await.unwrap();
    sender.send_batch([event("id-2"), event("id-3")]).await.unwrap();
    let [one, batch] = spans.seen().try_into().unwrap();
    assert_eq!(
        further(one),
        [
            "http.response.status_code=200",
            "messaging.destination.name=orders",
            "messaging.message.id=id-1",
            "messaging.operation.name=publish",
            "messaging.operation.type=send",
            "otel.kind=producer",
            "otel.name=publish orders",
        ]
    );
    assert_eq!(
        further(batch),
        [
            "http.request.resend_count=1",
            "http.response.status_code=200",
            "messaging.batch.message_count=2",
            "messaging.destination.name=orders",
            "messaging.operation.name=publish",
            "messaging.operation.type=send",
            "otel.kind=producer",
            "otel.name=publish orders",
        ]
    );
}

#[tokio::test]
async fn a_receive_is_a_client_span_with_the_number_of_received_events() {
    let (spans, _guard) = Spans::start(&["call"]);
    let kit = Kit::new();
    kit.respond(200, &events(&["1", "2"]));
    kit.client.receiver("orders", "billing").receive().max_events(10).await.unwrap();
    let [receive] = spans.seen().try_into().unwrap();
    assert_eq!(
        further(receive),
        [
            "http.response.status_code=200",
            "messaging.batch.message_count=2",
            "messaging.destination.name=orders",
            "messaging.destination.subscription.name=billing",
            "messaging.operation.name=receive",
            "messaging.operation.type=receive",
            "otel.kind=client",
            "otel.name=receive orders",
        ]
    );
}

#[tokio::test]
async fn a_settle_request_without_any_success_is_a_failed_client_span() {
    let (spans, _guard) = Spans::start(&["call"]);
    let kit = Kit::new();
    let receiver = kit.client.receiver("orders", "billing");
    kit.settles(&["a"], &[("b", "TokenLost")]);
    assert!(receiver.acknowledge(["a", "b"]).await.unwrap().into_result().is_err());
    kit.settles(&[], &[("secret-token", "TokenLost")]);
    assert!(receiver.renew_locks(["secret-token"]).await.unwrap().into_result().is_err());
    let [partly, renewal] = spans.seen().try_into().unwrap();
    assert_eq!(
        further(partly),
        [
            "http.response.status_code=200",
            "messaging.batch.message_count=2",
            "messaging.destination.name=orders",
            "messaging.destination.subscription.name=billing",
            "messaging.operation.name=acknowledge",
            "messaging.operation.type=settle",
            "otel.kind=client",
            "otel.name=acknowledge orders",
        ]
    );
    assert_eq!(
        further(renewal),
        [
            "error.type=TokenLost",
            "http.response.status_code=200",
            "messaging.batch.message_count=1",
            "messaging.destination.name=orders",
            "messaging.destination.subscription.name=billing",
            "messaging.operation.name=renew_lock",
            "otel.kind=client",
            "otel.name=renew_lock orders",
            "otel.status_code=ERROR",
        ]
    );
}

#[tokio::test]
async fn a_failed_call_is_a_failed_span_and_an_invalid_one_is_none() {
    let (spans, _guard) = Spans::start(&["call"]);
    let kit = Kit::new();
    kit.respond(404, "");
    kit.client.sender("orders").send(event("1")).await.unwrap_err();
    kit.client.sender("orders").send_batch([]).await.unwrap_err();
    let [failed] = spans.seen().try_into().unwrap();
    let fields = further(failed);
    assert!(fields.contains(&"error.type=404".to_owned()), "{fields:?}");
    assert!(fields.contains(&"otel.status_code=ERROR".to_owned()), "{fields:?}");
}

#[tokio::test]
async fn a_request_for_another_operation_is_an_internal_span() {
    let (spans, _guard) = Spans::start(&["call"]);
    let kit = Kit::new();
    kit.respond(200, "{}");
    kit.client.request(http::Method::POST, "/topics/{}:other", &["secret"]).await.unwrap();
    let [(_, _, fields)] = spans.seen().try_into().unwrap();
    assert_eq!(fields["otel.kind"], "internal");
    assert_eq!(fields["azure.resource_provider.namespace"], "Microsoft.EventGrid");
    assert!(!format!("{fields:?}").contains("secret"), "{fields:?}");
}
