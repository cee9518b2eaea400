//! What clients see when the emulator is shut down.

use serde_json::json;
use service_emulator::Emulator;

use crate::common::http;
use crate::webpubsub::common::clients::Client;

#[tokio::test]
async fn a_shutdown_closes_websockets_with_1001_and_long_polls_get_their_empty_response() {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let mut json = Client::json(&emulator, json!({})).await;
    let mut simple = Client::simple(&emulator, json!({}), "").await;
    let other = emulator.clone();
    let poll = tokio::spawn(async move {
        let key = format!("SharedAccessKey {}", other.eventgrid().key());
        let target =
            "/topics/orders/eventsubscriptions/billing:receive?api-version=2024-06-01&maxWaitTime=60";
        http(&other, "POST", target, &[("Authorization", &key)], "").await
    });
    while !emulator.requests().iter().any(|request| request.target.contains(":receive")) {
        tokio::task::yield_now().await;
    }
    let clients = async move {
        assert_eq!(json.frame().await["event"], "disconnected");
        assert_eq!(json.closed().await.0, 1001);
        assert_eq!(simple.closed().await.0, 1001);
    };
    tokio::join!(clients, emulator.shutdown());
    let response = poll.await.unwrap();
    assert_eq!((response.status, response.json()), (200, json!({ "value": [] })));
}
