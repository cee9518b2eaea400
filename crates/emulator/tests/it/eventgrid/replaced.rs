//! Subscriptions that are replaced while a webhook responds, and what the page shows of their dead letters.

use service_emulator::Emulator;
use service_emulator::eventgrid::{DeliveryStep, PushInfo, SubscriptionSettings};

use super::webhook::Webhook;
use super::{publish, pushing, wait_for_hooks};
use crate::common::http;

fn push(emulator: &Emulator) -> Option<PushInfo> {
    emulator.eventgrid().topics().remove(0).subscriptions.remove(0).push
}

#[tokio::test]
async fn a_late_consent_does_not_count_for_a_later_subscription_of_the_same_name() {
    let (emulator, mut old) = (Emulator::start().await.unwrap(), Webhook::start().await);
    let (grid, mut new) = (emulator.eventgrid(), Webhook::start().await);
    grid.declare_push("orders", "audit", old.settings()).unwrap();
    let handshake = old.call().await;
    grid.remove_subscription("orders", "audit");
    grid.declare_push("orders", "audit", new.settings()).unwrap();
    let pending = new.call().await;
    publish(&emulator, &["1"]).await;
    handshake.respond(200, "WebHook-Allowed-Origin: *\r\n");
    wait_for_hooks(&emulator, 1).await;
    assert!(!push(&emulator).unwrap().validated);
    pending.respond(200, "WebHook-Allowed-Origin: *\r\n");
    assert_eq!(new.delivery().await.id(), "1");
    assert!(push(&emulator).unwrap().validated && old.is_idle());
}

#[tokio::test]
async fn a_removed_subscription_does_not_undo_the_consent_to_a_later_one() {
    let (emulator, mut old) = (Emulator::start().await.unwrap(), Webhook::start().await);
    let (grid, mut new) = (emulator.eventgrid(), Webhook::start().await);
    grid.declare_push("orders", "audit", old.settings()).unwrap();
    let handshake = old.call().await;
    grid.remove_subscription("orders", "audit");
    grid.declare_push("orders", "audit", new.settings()).unwrap();
    new.consent().await;
    wait_for_hooks(&emulator, 1).await;
    handshake.respond(200, "WebHook-Allowed-Origin: *\r\n");
    wait_for_hooks(&emulator, 2).await;
    assert!(push(&emulator).unwrap().validated);
}

#[tokio::test]
async fn a_subscription_declared_without_a_webhook_is_pulled_and_keeps_its_events() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    publish(&emulator, &["in-flight"]).await;
    let delivery = webhook.delivery().await;
    let grid = emulator.eventgrid();
    grid.declare_with("orders", "audit", SubscriptionSettings::default());
    publish(&emulator, &["1"]).await;
    delivery.respond(200, "");
    assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
    assert!(push(&emulator).is_none());
    let authorization = format!("SharedAccessKey {}", grid.key());
    let target = "/topics/orders/eventsubscriptions/audit:receive?api-version=2024-06-01";
    let response = http(&emulator, "POST", target, &[("authorization", &authorization)], "").await;
    assert_eq!((response.status, response.json()["value"][0]["event"]["id"].as_str()), (200, Some("1")));
    assert!(webhook.is_idle());
    // It can push again.
    grid.declare_push("orders", "audit", webhook.settings()).unwrap();
    webhook.consent().await;
    publish(&emulator, &["2"]).await;
    assert_eq!(webhook.delivery().await.id(), "2");
}

#[tokio::test]
async fn the_page_shows_the_newest_dead_letters_of_each_subscription() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    for number in 0..21 {
        publish(&emulator, &[&number.to_string()]).await;
        webhook.delivery().await.respond(413, "");
        steps.outcome().await;
    }
    assert_eq!(emulator.eventgrid().dead_letters("orders", "audit").len(), 21);
    let page = http(&emulator, "GET", "/", &[("accept", "application/json")], "").await.json();
    let letters = &page["topics"]["first"][0]["subscriptions"]["first"][0]["newest_dead_letters"];
    assert_eq!((letters["total"].as_u64(), letters["first"].as_array().map(Vec::len)), (Some(21), Some(20)));
    let newest = &letters["first"][0];
    let shown = ["id", "source", "type"].map(|name| newest[name].as_str().unwrap());
    assert_eq!((shown, newest["subject"].as_str()), (["20", "/s", "t"], None));
}
