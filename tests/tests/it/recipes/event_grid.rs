//! The recipes for Event Grid Namespaces.

use std::sync::Arc;
use std::time::Duration;

use eventgrid_namespaces::{CloudEvent, Context, Credential, NamespaceClient};
use serde_json::{Value, json};
use service_emulator::Emulator;
use service_emulator::eventgrid::{DeliveryStep, PushSettings};
use tokio::sync::{Notify, mpsc};

use super::serve;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/exactly_once.rs"]
mod exactly_once;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/poison.rs"]
mod poison;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/push.rs"]
mod push;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/worker.rs"]
mod worker;

/// The emulator with the subscription `billing`, a client, and the steps of each event's delivery.
async fn start() -> (Emulator, NamespaceClient, mpsc::UnboundedReceiver<DeliveryStep>) {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let (sender, steps) = mpsc::unbounded_channel();
    emulator.eventgrid().observe("orders", "billing", move |seen| {
        let _ = sender.send(seen.step);
    });
    let key = Credential::access_key(emulator.eventgrid().key());
    let namespace = NamespaceClient::new(&emulator.endpoint(), key).unwrap();
    (emulator, namespace, steps)
}

fn order(id: &str, data: &Value) -> CloudEvent {
    CloudEvent::builder("/shop", "com.example.order").id(id).data_json(data).build().unwrap()
}

/// Completes when this step was seen `count` times.
async fn seen(steps: &mut mpsc::UnboundedReceiver<DeliveryStep>, step: DeliveryStep, count: usize) {
    let mut left = count;
    while left > 0 {
        left -= usize::from(steps.recv().await.unwrap() == step);
    }
}

#[tokio::test]
async fn an_event_that_is_delivered_three_times_has_its_effect_once() {
    let (_emulator, namespace, mut steps) = start().await;
    for id in ["a", "b", "a", "a"] {
        namespace.sender("orders").send(order(id, &json!(10))).await.unwrap();
    }
    let database = Arc::new(exactly_once::Database::default());
    let processor = exactly_once::processor(namespace.receiver("orders", "billing"), Arc::clone(&database));
    processor.unwrap().run_until(seen(&mut steps, DeliveryStep::Acknowledged, 4)).await.unwrap();
    assert_eq!(database.sold(), 20);
}

#[tokio::test]
async fn events_that_cannot_be_handled_are_rejected_and_can_be_resubmitted() {
    let (emulator, namespace, mut steps) = start().await;
    let (sender, receiver) = (namespace.sender("orders"), namespace.receiver("orders", "billing"));
    for (id, data) in
        [("good", json!({ "items": 1 })), ("empty", json!({ "items": 0 })), ("text", json!("?"))]
    {
        sender.send(order(id, &data)).await.unwrap();
    }
    // A failed event is released with a delay.
    let done = async {
        let mut rejected = 0;
        while rejected < 2 {
            match steps.recv().await.unwrap() {
                DeliveryStep::Rejected => rejected += 1,
                DeliveryStep::Released => emulator.clock().advance(Duration::from_secs(10)),
                _ => {}
            }
        }
    };
    poison::processor(receiver).unwrap().run_until(done).await.unwrap();
    let mut dead: Vec<_> = emulator.eventgrid().dead_letters("orders", "billing");
    dead.sort_by_key(|letter| letter.event["id"].to_string());
    let ids: Vec<_> = dead.iter().map(|letter| letter.event["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["empty", "text"]);

    let properties = json!({ "deadletterreason": "Rejected", "deliveryattempts": 6 });
    let blob = dead.iter().map(|letter| json!({ "event": letter.event, "deadletterProperties": properties }));
    let blob = Value::from_iter(blob).to_string();
    assert_eq!(poison::resubmit(&sender, blob.into_bytes()).await.unwrap(), 2);
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 2);
}

#[tokio::test]
async fn pushed_events_are_handled_if_they_have_the_secret() {
    let (emulator, namespace, mut steps) = start().await;
    let address = serve(push::app("s3cret").unwrap()).await;
    let url = format!("http://{address}/events");
    let settings = PushSettings::new(&url).header("x-api-key", "s3cret");
    emulator.eventgrid().declare_push("orders", "billing", settings).unwrap();
    namespace.sender("orders").send(order("a", &json!(1))).await.unwrap();
    seen(&mut steps, DeliveryStep::Acknowledged, 1).await;

    let event = reqwest::Client::new().post(&url).header("content-type", "application/cloudevents+json");
    let response = event.body(serde_json::to_vec(&order("b", &json!(1))).unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_worker_reports_its_load_and_finishes_its_event_before_it_stops() {
    let (emulator, namespace, _steps) = start().await;
    namespace.sender("orders").send(order("a", &json!(1))).await.unwrap();
    let (started, go_on, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begun, gate) = (Arc::clone(&started), Arc::clone(&go_on));
    let handler = move |_: CloudEvent, _: Context| {
        let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
        async move {
            begun.notify_one();
            gate.notified().await;
        }
    };
    let processor = worker::processor(namespace.receiver("orders", "billing"), handler).unwrap();
    let address = serve(worker::app(processor.clone())).await;
    let (running, stopping) = (processor.clone(), Arc::clone(&stop));
    let run = tokio::spawn(async move { running.run_until(stopping.notified()).await });

    started.notified().await;
    let get = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.unwrap().text().await;
    assert_eq!(get("/health").await.unwrap(), "ok");
    let load: Value = serde_json::from_str(&get("/load").await.unwrap()).unwrap();
    assert_eq!(load["held"], 1);
    stop.notify_one();
    go_on.notify_one();
    run.await.unwrap().unwrap();
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 0);
    assert_eq!(emulator.eventgrid().locked("orders", "billing"), 0);
}
