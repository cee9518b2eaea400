//! Published events reach their subscribers on the emulated service.

use eventgrid_namespaces::{CloudEvent, Credential, Data, NamespaceClient, Sender};
use http::Method;
use serde_json::{Value, json};
use service_emulator::Emulator;

use crate::common::{emulator, key};

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/publish.rs"]
mod example;

async fn sender() -> (Emulator, Sender) {
    let emulator = emulator().await;
    let sender = Sender::new(&emulator.endpoint(), "orders", key(&emulator)).unwrap();
    (emulator, sender)
}

async fn received(sender: &Sender, events: usize) -> Vec<CloudEvent> {
    let mut got = Vec::new();
    while got.len() < events {
        let path = "/topics/{}/eventsubscriptions/{}:receive";
        let response = sender
            .request(Method::POST, path, &["orders", "billing"])
            .query("maxEvents", "10")
            .await
            .unwrap();
        let body: Value = serde_json::from_slice(&response).unwrap();
        let events = body["value"].as_array().unwrap();
        got.extend(
            events.iter().map(|event| CloudEvent::from_json(event["event"].to_string().as_bytes()).unwrap()),
        );
    }
    got.sort_by(|a, b| a.id().cmp(b.id()));
    got
}

fn full(id: &str) -> CloudEvent {
    CloudEvent::builder("/orders/123", "com.example.order.created")
        .id(id)
        .subject("Euro € 😀 100% \"q\"")
        .time_text("2024-04-10T10:12:46.25-07:00")
        .dataschema("https://example.com/schema")
        .datacontenttype("application/json")
        .extension("count", 7)
        .extension("flag", true)
        .extension("word", "ünï")
        .data_json(&json!({"total": 5}))
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_event_arrives_whole_from_each_mode() {
    let (_emulator, sender) = sender().await;
    sender.send(full("1")).await.unwrap();
    sender.send_batch([full("2"), full("3")]).await.unwrap();
    sender.send(full("4")).binary_mode().await.unwrap();
    for (event, id) in received(&sender, 4).await.iter().zip(["1", "2", "3", "4"]) {
        let sent = full(id);
        assert_eq!(
            (event.id(), event.subject(), event.dataschema()),
            (id, sent.subject(), sent.dataschema())
        );
        assert_eq!(
            (event.time(), event.data(), event.datacontenttype()),
            (sent.time(), sent.data(), sent.datacontenttype())
        );
        let texts = |event: &CloudEvent| {
            event.extensions().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(texts(event), texts(&sent));
        // Headers have no types, so extensions come back as strings.
        assert_eq!(event.extension("count").unwrap().as_integer(), (id != "4").then_some(7));
    }
}

#[tokio::test]
async fn each_form_of_data_arrives_as_that_form() {
    let (_emulator, sender) = sender().await;
    let event = |id: &str| CloudEvent::builder("/s", "t").id(id);
    let text = event("1").data_text("hello").build().unwrap();
    let bytes = event("2").data_bytes(vec![0, 159], "application/x-mine").build().unwrap();
    sender.send_batch([text.clone(), bytes.clone()]).await.unwrap();
    sender.send(text.into_builder().id("3").build().unwrap()).binary_mode().await.unwrap();
    sender.send(bytes.into_builder().id("4").build().unwrap()).binary_mode().await.unwrap();
    let got = received(&sender, 4).await;
    for (event, expected) in got.iter().zip([0, 1, 0, 1]) {
        let forms = [Data::Text("hello".into()), Data::Binary(vec![0, 159].into())];
        assert_eq!(event.data(), Some(&forms[expected]), "{}", event.id());
    }
}

#[tokio::test]
async fn fractions_arrive_exactly() {
    let (_emulator, sender) = sender().await;
    let numbers = [0.42433994906060596, 0.1, 1e300, 5e-324];
    sender.send(CloudEvent::new("/s", "t", &numbers).unwrap()).await.unwrap();
    assert_eq!(received(&sender, 1).await[0].data_as::<[f64; 4]>().unwrap(), numbers);
}

#[tokio::test]
async fn a_received_event_is_forwarded_as_received() {
    let (_emulator, sender) = sender().await;
    let json = br##"{"specversion":"1.0","id":"1","source":"/s","type":"t","dataschema":"#","data":[1]}"##;
    let event = CloudEvent::from_json(json).unwrap();
    sender.send(event.clone()).await.unwrap();
    assert_eq!(received(&sender, 1).await, [event]);
}

#[tokio::test]
async fn a_rejection_by_the_service_is_one_readable_error() {
    let (emulator, sender) = sender().await;
    emulator.eventgrid().declared_only();
    let unknown = Sender::new(&emulator.endpoint(), "unknown", key(&emulator)).unwrap();
    let error = unknown.send(full("1")).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("Topic 'unknown' is not found"), "{error}");
    let stranger = Sender::new(&emulator.endpoint(), "orders", Credential::access_key("bm8=")).unwrap();
    assert_eq!(stranger.send(full("1")).await.unwrap_err().status().unwrap(), 401);
    let old = NamespaceClient::builder(&emulator.endpoint(), key(&emulator))
        .api_version("2000-01-01")
        .build()
        .unwrap();
    assert_eq!(old.sender("orders").send(full("1")).await.unwrap_err().status().unwrap(), 400);
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 0);
    sender.send(full("1")).await.unwrap();
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
}

#[tokio::test]
async fn the_example_publishes_what_it_says() {
    let (emulator, sender) = sender().await;
    let mut shown = Vec::new();
    example::run(&sender, &mut shown).await.unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), "101 events published\n");
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 101);
}
