//! The forms of deliveries: headers, batches, binary mode, credentials, https, and the keys of tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use service_emulator::eventgrid::{DeliveryStep, PushContent, PushSettings, PushToken};
use service_emulator::{Emulator, Fault};

use super::{publish, publish_raw, pushing, wait_for_hooks};
use crate::common::http;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

#[tokio::test]
async fn a_delivery_has_the_documented_headers_and_the_event_as_it_is_received() {
    let (emulator, mut webhook, _) =
        pushing(|settings| settings.header("x-key", "k1").header("Authorization", "Basic abc")).await;
    let event = r#"{"specversion":"1.0","id":"e-1","source":"/orders","type":"created","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":{"total":5}}"#;
    publish_raw(&emulator, "application/cloudevents+json", event).await;
    let call = webhook.delivery().await;
    assert_eq!(call.json(), serde_json::from_str::<Value>(event).unwrap());
    for (name, value) in [
        ("content-type", Some("application/cloudevents+json; charset=utf-8")),
        ("aeg-event-type", Some("Notification")),
        ("aeg-subscription-name", Some("audit")),
        ("aeg-delivery-count", Some("0")),
        ("aeg-metadata-version", Some("1.0")),
        ("aeg-data-version", None),
        ("origin", Some("eventgrid.azure.net")),
        ("webhook-request-origin", Some("eventgrid.azure.net")),
        ("x-key", Some("k1")),
        ("authorization", Some("Basic abc")),
        ("traceparent", None),
        ("accept", None),
        ("ce-id", None),
    ] {
        assert_eq!(call.header(name), value, "{name}");
    }
    assert_eq!(call.header("aeg-output-event-id").map(str::len), Some(36));
    assert_eq!(call.header("content-length"), Some(call.body.len().to_string().as_str()));
}

#[tokio::test]
async fn hint_headers_can_be_absent_and_the_count_can_start_at_one() {
    let (emulator, mut webhook, _) = pushing(|settings| settings.hint_headers(false)).await;
    publish(&emulator, &["1"]).await;
    let mut names: Vec<_> = webhook.delivery().await.headers.into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type", "host"]);
    let (emulator, mut webhook, _) = pushing(|settings| settings.delivery_count_from_one(true)).await;
    publish(&emulator, &["1"]).await;
    assert_eq!(webhook.delivery().await.header("aeg-delivery-count"), Some("1"));
}

#[tokio::test]
async fn a_batch_is_an_array_that_succeeds_or_fails_as_a_whole() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings.batches(3, 64)).await;
    publish(&emulator, &["1", "2", "3", "4"]).await;
    let ids = |body: &Value| {
        let events = body.as_array().unwrap().iter();
        events.map(|event| event["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut calls = [webhook.delivery().await, webhook.delivery().await];
    // Both are sent at once, so they may arrive in either order.
    calls.sort_by_key(|call| std::cmp::Reverse(call.body.len()));
    let [three, one] = calls;
    assert_eq!(three.header("content-type"), Some("application/cloudevents-batch+json; charset=utf-8"));
    assert_eq!(
        (ids(&three.json()), ids(&one.json())),
        (vec!["1".into(), "2".into(), "3".into()], vec!["4".into()])
    );
    one.respond(200, "");
    assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
    three.respond(500, "");
    for _ in 0..3 {
        assert_eq!(steps.outcome().await, DeliveryStep::Released);
    }
    emulator.clock().advance(Duration::from_secs(10));
    let again = webhook.delivery().await;
    let mut again_ids = ids(&again.json());
    again_ids.sort_unstable();
    assert_eq!(again_ids, ["1", "2", "3"]);
    again.respond(400, "");
    for _ in 0..3 {
        assert_eq!(steps.outcome().await, DeliveryStep::Rejected);
    }
    let notes: Vec<_> = wait_for_hooks(&emulator, 4).await.into_iter().map(|(note, _)| note).collect();
    assert!(notes.contains(&"POST orders/audit, 3 events, attempt 2".to_owned()), "{notes:?}");
}

#[tokio::test]
async fn in_binary_mode_the_attributes_are_headers() {
    let (emulator, mut webhook, _) = pushing(|settings| settings.content(PushContent::Binary)).await;
    publish(&emulator, &["e 1"]).await;
    let call = webhook.delivery().await;
    for (name, value) in [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "e%201"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
        ("aeg-event-type", "Notification"),
    ] {
        assert_eq!(call.header(name), Some(value), "{name}");
    }
    assert_eq!(call.json(), json!({"s3cret": 1}));
}

#[tokio::test]
async fn a_token_names_the_key_that_the_emulator_serves_until_it_is_rotated() {
    let token = PushToken::new(TENANT, "api://orders-webhook");
    let (emulator, mut webhook, _) = pushing(|settings| settings.entra_token(token)).await;
    let part = |token: &str, index: usize| -> Value {
        let part = token.strip_prefix("Bearer ").unwrap().split('.').nth(index).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        publish(&emulator, &["1"]).await;
        let call = webhook.delivery().await;
        let token = call.header("authorization").unwrap().to_owned();
        call.respond(200, "");
        assert_eq!(part(&token, 1)["aud"], "api://orders-webhook");
        let keys = http(&emulator, "GET", &format!("/{TENANT}/discovery/v2.0/keys"), &[], "").await.json();
        assert_eq!(keys["keys"][0]["kid"], part(&token, 0)["kid"]);
        ids.push(keys["keys"][0]["kid"].clone());
        emulator.eventgrid().rotate_token_key();
    }
    assert_ne!(ids[0], ids[1]);
    let target = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let metadata = http(&emulator, "GET", &target, &[], "").await.json();
    assert_eq!(metadata["issuer"], format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    assert_eq!(metadata["jwks_uri"], format!("{}/{TENANT}/discovery/v2.0/keys", emulator.endpoint()));
}

#[tokio::test]
async fn a_webhook_is_called_over_tls_if_its_authority_is_trusted() {
    let emulator = Emulator::start().await.unwrap();
    // An emulator with TLS plays the webhook: faults write its responses.
    let webhook = Emulator::builder().tls(true).start().await.unwrap();
    webhook.faults().push(Fault::status(200).header("webhook-allowed-origin", "*").times(10));
    let settings = PushSettings::new(format!("{}/hooks?code=s3cret", webhook.endpoint()));
    emulator.eventgrid().declare_push("orders", "audit", settings).unwrap();
    let hooks = wait_for_hooks(&emulator, 1).await;
    assert!(hooks[0].0.contains("(no TLS connection: ") && hooks[0].1 == "gone", "{hooks:?}");
    assert!(webhook.requests().is_empty());
    emulator.eventgrid().trust_webhooks(webhook.ca_certificate().unwrap()).unwrap();
    emulator.clock().advance(Duration::from_secs(5));
    publish(&emulator, &["1"]).await;
    wait_for_hooks(&emulator, 3).await;
    let requests = webhook.requests();
    let requests: Vec<_> = requests.iter().map(|one| format!("{} {}", one.method, one.target)).collect();
    assert_eq!(requests, ["OPTIONS /hooks?code=s3cret", "POST /hooks?code=s3cret"]);
}
