//! The check of a handler's address, without which it receives no event.

use std::time::Duration;

use serde_json::json;
use service_emulator::Emulator;
use service_emulator::webpubsub::SystemEvent;

use super::common::clients::{JSON, KEY, Socket, client_claims, jwt, open, rejection};
use super::common::webhook::{Webhook, hooks, wait_for_hook};

type Outcome = Result<Socket, tokio_tungstenite::tungstenite::Error>;

async fn start() -> (Emulator, Webhook) {
    let (emulator, webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    emulator.webpubsub().event_handler("chat", webhook.handler(&[SystemEvent::Connect])).unwrap();
    (emulator, webhook)
}

async fn connect(emulator: &Emulator) -> Outcome {
    let token = jwt(KEY, &client_claims(emulator, json!({})));
    open(emulator, &format!("/client/hubs/chat?access_token={token}"), Some(JSON)).await
}

/// Connects a client that the handler accepts.
async fn accepted(emulator: &Emulator, webhook: &mut Webhook) {
    let (outcome, ()) = tokio::join!(connect(emulator), async { webhook.call().await.accept() });
    outcome.unwrap();
}

fn methods(webhook: &Webhook) -> Vec<String> {
    webhook.seen_checks().into_iter().map(|(method, _)| method).collect()
}

/// Lets a check fail in each attempt, and the time between them pass.
async fn pass_attempts(emulator: &Emulator, webhook: &Webhook, first: usize) {
    for (attempt, pause) in [(1, 1), (2, 3), (3, 5)] {
        webhook.wait_for_checks(first + attempt).await;
        wait_for_hook(emulator, &format!("validate, attempt {attempt}")).await;
        emulator.clock().advance(Duration::from_secs(pause));
    }
}

#[tokio::test]
async fn a_success_counts_for_a_minute_and_is_then_refreshed_in_the_background() {
    let (emulator, mut webhook) = start().await;
    accepted(&emulator, &mut webhook).await;
    emulator.clock().advance(Duration::from_secs(40));
    accepted(&emulator, &mut webhook).await;
    assert_eq!(webhook.checks(), 1);
    webhook.allow("name.webpubsub.azure.com");
    emulator.clock().advance(Duration::from_secs(20));
    accepted(&emulator, &mut webhook).await;
    webhook.wait_for_checks(2).await;
    wait_for_hook(&emulator, "POST connect").await;
    while hooks(&emulator).await.iter().filter(|(note, _)| note.contains("validate")).count() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rejection(connect(&emulator).await), 502, "the new result");
    webhook.assert_idle();
}

#[tokio::test]
async fn a_failed_check_is_repeated_at_the_next_event_after_a_pause_that_grows() {
    let (emulator, mut webhook) = start().await;
    webhook.allow("name.webpubsub.azure.com");
    for (checks, pause) in [(1, 1), (2, 2), (3, 4)] {
        assert_eq!(rejection(connect(&emulator).await), 502);
        assert_eq!(rejection(connect(&emulator).await), 502);
        assert_eq!(webhook.checks(), checks, "not checked again at once");
        emulator.clock().advance(Duration::from_secs(pause));
    }
    webhook.assert_idle();
    webhook.allow("name.webpubsub.azure.com, 127.0.0.1");
    accepted(&emulator, &mut webhook).await;
    assert_eq!(webhook.checks(), 4);
    let log = hooks(&emulator).await;
    let uncalled = log.iter().find(|(_, outcome)| outcome == "none").unwrap();
    assert!(uncalled.0.starts_with("connect, connection "), "{}", uncalled.0);
    assert!(uncalled.0.ends_with("(the validation of its event handler failed)"), "{}", uncalled.0);
}

#[tokio::test]
async fn a_webhook_that_starts_late_is_reached_within_the_same_check() {
    let (emulator, mut webhook) = start().await;
    webhook.script_checks(&[0, 503, 0, 200]);
    let (outcome, ()) = tokio::join!(connect(&emulator), async {
        pass_attempts(&emulator, &webhook, 0).await;
        webhook.call().await.accept();
    });
    outcome.unwrap();
    assert_eq!(methods(&webhook), ["OPTIONS"; 4]);
}

#[tokio::test]
async fn a_webhook_that_starts_even_later_is_reached_by_the_next_event() {
    let (emulator, mut webhook) = start().await;
    webhook.script_checks(&[0, 0, 0, 0]);
    let (outcome, ()) = tokio::join!(connect(&emulator), pass_attempts(&emulator, &webhook, 0));
    assert_eq!(rejection(outcome), 502);
    emulator.clock().advance(Duration::from_secs(1));
    accepted(&emulator, &mut webhook).await;
}

#[tokio::test]
async fn an_address_without_options_is_checked_with_get() {
    let (emulator, mut webhook) = start().await;
    webhook.script_checks(&[404, 200]);
    accepted(&emulator, &mut webhook).await;
    assert_eq!(methods(&webhook), ["OPTIONS", "GET"]);
    for (statuses, expected) in [(&[405][..], 1), (&[404, 404], 2)] {
        let (emulator, webhook) = start().await;
        webhook.script_checks(statuses);
        assert_eq!(rejection(connect(&emulator).await), 502);
        assert_eq!(webhook.checks(), expected, "{statuses:?}");
    }
}

#[tokio::test]
async fn one_check_serves_all_events_that_wait_for_it() {
    let (emulator, mut webhook) = start().await;
    let connecting = futures_util::future::join_all((0..5).map(|_| connect(&emulator)));
    let (outcomes, ()) = tokio::join!(connecting, async {
        for _ in 0..5 {
            webhook.call().await.accept();
        }
    });
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(webhook.checks(), 1);
}

#[tokio::test]
async fn the_origin_is_the_host_by_which_the_client_came() {
    let (emulator, mut webhook) = start().await;
    webhook.allow("emulator.test");
    let token = jwt(KEY, &client_claims(&emulator, json!({})));
    let request = format!(
        "GET /client/hubs/chat?access_token={token} HTTP/1.1\r\nHost: Emulator.test:8080\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let (response, ()) = tokio::join!(crate::common::head(&emulator, request.as_bytes()), async {
        let call = webhook.call().await;
        assert_eq!(call.header("webhook-request-origin"), Some("emulator.test"));
        call.accept();
    });
    assert_eq!(response.status, 101);
    assert_eq!(rejection(connect(&emulator).await), 502, "127.0.0.1 is not allowed");
    let origins: Vec<_> = webhook.seen_checks().into_iter().map(|(_, origin)| origin).collect();
    assert_eq!(origins, ["emulator.test", "127.0.0.1"]);
}
