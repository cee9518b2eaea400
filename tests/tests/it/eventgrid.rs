//! What rejecting does to real events, over real sockets.

use std::time::Duration;

use eventgrid_namespaces::{Credential, Receiver, RetryOptions, TokenErrorCode};
use http::Method;
use serde_json::{Value, json};
use service_emulator::{Emulator, Fault};

async fn start() -> (Emulator, Receiver) {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let key = Credential::access_key(emulator.eventgrid().key());
    let receiver = Receiver::new(&emulator.endpoint(), "orders", "billing", key).unwrap();
    (emulator, receiver)
}

async fn publish(receiver: &Receiver, id: &str) {
    let event = json!({"specversion": "1.0", "id": id, "source": "/t", "type": "t", "data": {}}).to_string();
    let request = receiver.request(Method::POST, "/topics/{}:publish", &["orders"]);
    request.body("application/cloudevents+json; charset=utf-8", event).await.unwrap();
}

/// Ids and lock tokens of what is received.
async fn receive(receiver: &Receiver) -> Vec<(String, String)> {
    let request =
        receiver.request(Method::POST, "/topics/{}/eventsubscriptions/{}:receive", &["orders", "billing"]);
    let response = request.query("maxEvents", "100").query("maxWaitTime", "10").await.unwrap();
    let response: Value = serde_json::from_slice(&response).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = response["value"].as_array().unwrap().iter();
    events.map(|one| (text(&one["event"]["id"]), text(&one["brokerProperties"]["lockToken"]))).collect()
}

#[tokio::test]
async fn a_rejected_event_is_a_dead_letter_and_is_not_received_again() {
    let (emulator, receiver) = start().await;
    publish(&receiver, "unwanted").await;
    let (_, token) = receive(&receiver).await.remove(0);
    let result = receiver.reject([&token]).await.unwrap();
    assert_eq!(result.into_result().unwrap(), [token]);
    emulator.clock().advance(Duration::from_secs(3600));
    publish(&receiver, "later").await;
    let ids: Vec<_> = receive(&receiver).await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["later"]);
    let dead = emulator.eventgrid().dead_letters("orders", "billing");
    assert_eq!((dead.len(), dead[0].event["id"].as_str()), (1, Some("unwanted")));
}

#[tokio::test]
async fn an_event_that_is_not_rejected_comes_back_when_its_lock_ends() {
    let (emulator, receiver) = start().await;
    publish(&receiver, "kept").await;
    let first = receive(&receiver).await.remove(0);
    emulator.clock().advance(Duration::from_secs(3600));
    let second = receive(&receiver).await.remove(0);
    assert_eq!(first.0, second.0);
    let lost = receiver.reject([first.1]).await.unwrap();
    assert_eq!(lost.failed[0].code, TokenErrorCode::TokenLost);
    assert_eq!(receiver.reject([second.1]).await.unwrap().succeeded.len(), 1);
}

#[tokio::test]
async fn each_token_gets_its_own_result() {
    let (_emulator, receiver) = start().await;
    publish(&receiver, "a").await;
    let (_, token) = receive(&receiver).await.remove(0);
    let result = receiver.reject([token.as_str(), "not a token"]).await.unwrap();
    assert_eq!(result.succeeded, [token.as_str()]);
    assert_eq!(
        (&result.failed[0].code, result.failed[0].lock_token.as_str()),
        (&TokenErrorCode::BadToken, "not a token")
    );
    let again = receiver.reject([token.as_str()]).await.unwrap();
    assert_eq!(again.failed[0].message, "Token has expired.");
    assert!(again.into_result().is_err());
}

#[tokio::test]
async fn a_rejection_whose_response_was_lost_is_reported_as_maybe_settled() {
    let (emulator, receiver) = start().await;
    publish(&receiver, "a").await;
    let (_, token) = receive(&receiver).await.remove(0);
    emulator.faults().push(Fault::reset().after_processing());
    let result = receiver
        .reject([&token])
        .retry(RetryOptions::default().initial_backoff(Duration::ZERO))
        .await
        .unwrap();
    assert_eq!((result.maybe_settled[0].lock_token.as_str(), result.failed.len()), (token.as_str(), 0));
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_topic_are_readable_errors() {
    let (emulator, receiver) = start().await;
    let wrong = Credential::access_key("planted-wrong-key");
    let stranger = Receiver::new(&emulator.endpoint(), "orders", "billing", wrong).unwrap();
    let error = stranger.reject(["t"]).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (401, Some("Unauthenticated")));
    assert!(!format!("{error:#?}").contains("planted") && error.request_id().is_some());
    emulator.eventgrid().declared_only();
    let key = Credential::access_key(emulator.eventgrid().key());
    let lost = Receiver::new(&emulator.endpoint(), "faketopic", "billing", key).unwrap();
    let error = lost.reject(["t"]).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("Topic 'faketopic' is not found"), "{error}");
    assert!(receiver.reject(["t"]).await.is_ok());
}
