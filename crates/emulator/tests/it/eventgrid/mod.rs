//! Event Grid's push subscriptions, against webhooks whose responses the tests write.

mod push;
mod push_forms;
mod replaced;
mod webhook;

use service_emulator::Emulator;
use service_emulator::eventgrid::{DeliveryStep, PushSettings};
use tokio::sync::mpsc;

use crate::common::http;
use webhook::Webhook;

/// Publishes events with these ids in one request.
pub(crate) async fn publish(emulator: &Emulator, ids: &[&str]) {
    let events: Vec<_> = ids
        .iter()
        .map(|id| {
            format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","data":{{"s3cret":1}}}}"#)
        })
        .collect();
    publish_raw(emulator, "application/cloudevents-batch+json", &format!("[{}]", events.join(","))).await;
}

pub(crate) async fn publish_raw(emulator: &Emulator, content_type: &str, body: &str) {
    let authorization = format!("SharedAccessKey {}", emulator.eventgrid().key());
    let headers = [("authorization", authorization.as_str()), ("content-type", content_type)];
    let target = "/topics/orders:publish?api-version=2024-06-01";
    assert_eq!(http(emulator, "POST", target, &headers, body).await.status, 200);
}

/// The steps of the deliveries to the subscription `audit`.
pub(crate) struct Steps(mpsc::UnboundedReceiver<DeliveryStep>);

impl Steps {
    fn of(emulator: &Emulator) -> Self {
        let (sender, steps) = mpsc::unbounded_channel();
        emulator.eventgrid().observe("orders", "audit", move |seen| {
            let _ = sender.send(seen.step);
        });
        Self(steps)
    }

    /// Waits for the outcome of the next attempt.
    pub(crate) async fn outcome(&mut self) -> DeliveryStep {
        loop {
            match self.0.recv().await.unwrap() {
                DeliveryStep::Locked => {}
                outcome => return outcome,
            }
        }
    }
}

/// An emulator that pushes the events of `orders` to a webhook, which has consented.
pub(crate) async fn pushing(change: impl FnOnce(PushSettings) -> PushSettings) -> (Emulator, Webhook, Steps) {
    let (emulator, mut webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    emulator.eventgrid().declare_push("orders", "audit", change(webhook.settings())).unwrap();
    webhook.consent().await;
    let steps = Steps::of(&emulator);
    (emulator, webhook, steps)
}

/// The notes and outcomes of the calls in the emulator's log, oldest first.
pub(crate) async fn hooks(emulator: &Emulator) -> Vec<(String, String)> {
    let page = http(emulator, "GET", "/", &[("accept", "application/json")], "").await.json();
    let lines = page["requests"].as_array().unwrap().iter().rev();
    let hooks = lines.filter(|line| line["verb"] == "HOOK" && line["service"] == "eventgrid");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    hooks.map(|line| (text(&line["note"]), text(&line["outcome"]))).collect()
}

/// Waits until the log has this many calls, and returns them.
pub(crate) async fn wait_for_hooks(emulator: &Emulator, count: usize) -> Vec<(String, String)> {
    loop {
        let hooks = hooks(emulator).await;
        if hooks.len() >= count {
            return hooks;
        }
        tokio::task::yield_now().await;
    }
}
