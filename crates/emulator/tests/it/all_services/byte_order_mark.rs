//! JSON that starts with a byte order mark, as editors and .NET write it, wherever a client sends JSON.

use serde_json::{Value, json};
use service_emulator::Emulator;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Response, http};
use crate::webpubsub::common::clients::{Client, send};

fn marked(value: &Value) -> String {
    format!("\u{FEFF}{value}")
}

async fn grid(emulator: &Emulator, path: &str, content_type: &str, body: &str) -> Response {
    let key = format!("SharedAccessKey {}", emulator.eventgrid().key());
    let headers = [("Authorization", key.as_str()), ("Content-Type", content_type)];
    http(emulator, "POST", &format!("/topics/{path}?api-version=2024-06-01"), &headers, body).await
}

#[tokio::test]
async fn events_and_lock_tokens_may_start_with_a_byte_order_mark() {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": 1 });
    let publish = "orders:publish";
    for (content_type, body) in [
        ("application/cloudevents+json", marked(&event)),
        ("application/cloudevents-batch+json", marked(&json!([event]))),
    ] {
        assert_eq!(grid(&emulator, publish, content_type, &body).await.status, 200, "{content_type}");
    }
    let key = format!("SharedAccessKey {}", emulator.eventgrid().key());
    let headers = [
        ("Authorization", key.as_str()),
        ("Content-Type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
    ];
    let target = "/topics/orders:publish?api-version=2024-06-01";
    assert_eq!(http(&emulator, "POST", target, &headers, &marked(&json!(1))).await.status, 200);
    let receive = "orders/eventsubscriptions/billing:receive";
    let received = http(
        &emulator,
        "POST",
        &format!("/topics/{receive}?api-version=2024-06-01&maxEvents=10"),
        &headers[..1],
        "",
    )
    .await
    .json();
    let events = received["value"].as_array().unwrap();
    assert_eq!(events.iter().map(|event| &event["event"]["data"]).collect::<Vec<_>>(), [&json!(1); 3]);
    let tokens: Vec<_> = events.iter().map(|event| &event["brokerProperties"]["lockToken"]).collect();
    let body = marked(&json!({ "lockTokens": tokens }));
    let settle = "orders/eventsubscriptions/billing:acknowledge";
    let settled = grid(&emulator, settle, "application/json", &body).await.json();
    assert_eq!(settled["succeededLockTokens"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn messages_and_group_lists_of_webpubsub_may_start_with_a_byte_order_mark() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "sub": "ann" })).await;
    let groups = marked(&json!({ "groups": ["g"] }));
    assert_eq!(send(&emulator, "POST", ":addToGroups", "application/json", &groups).await.status, 200);
    let sent = send(&emulator, "POST", "groups/g/:send", "application/json", &marked(&json!([1]))).await;
    assert_eq!(sent.status, 202);
    assert_eq!(client.frame().await["data"], json!([1]));
    client.send(Message::text(marked(&json!({ "type": "ping" })))).await;
    assert_eq!(client.frame().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn settings_of_hulft_webconnect_may_start_with_a_byte_order_mark() {
    let emulator = Emulator::start().await.unwrap();
    let body = json!({ "connectionId": "id1", "passwd": "password", "connectableClientType": ["hulft"] });
    let key = format!("Bearer {}", emulator.hulft().api_key());
    let headers = [("Authorization", key.as_str()), ("Content-Type", "application/json")];
    let target = "/api/v2/connections/definition";
    assert_eq!(http(&emulator, "POST", target, &headers, &marked(&body)).await.status, 201);
}
