//! Sockets that the control API breaks.

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use service_emulator::Emulator;

use super::{call, done, get};
use crate::webpubsub::common::clients::{Client, publish};

#[tokio::test]
async fn a_dropped_socket_ends_without_a_close_frame() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "sub": "ann" })).await;
    let listed = get(&emulator, "webpubsub/hubs/chat/connections").await;
    let connection = &listed["connections"][0];
    assert_eq!((&connection["connection_id"], &connection["user_id"]), (&json!(client.id), &json!("ann")));
    let path = format!("webpubsub/hubs/chat/connections/{}/drop", client.id);
    done(&emulator, "POST", &path, Value::Null).await;
    assert!(client.socket.next().await.is_none_or(|frame| frame.is_err()));
    emulator.webpubsub().wait_for_connections("chat", 0).await;
    assert_eq!(call(&emulator, "POST", &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_stalled_socket_stays_open_but_receives_nothing() {
    let emulator = Emulator::start().await.unwrap();
    let claims = json!({ "webpubsub.group": ["g"] });
    let (mut stalled, mut other) =
        (Client::json(&emulator, claims.clone()).await, Client::json(&emulator, claims).await);
    done(&emulator, "POST", &format!("webpubsub/hubs/chat/connections/{}/stall", stalled.id), Value::Null)
        .await;
    publish(&emulator, "hello").await;
    assert_eq!(other.frame().await["data"], "hello");
    let silent = futures_util::FutureExt::now_or_never(stalled.socket.next()).is_none();
    assert!(silent && emulator.webpubsub().connections("chat").len() == 2);
}

#[tokio::test]
async fn faults_of_sockets_are_added_and_listed() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    let fault = json!({ "sockets": true, "kind": "drop", "hub": "chat", "at_received": 2, "times": 3 });
    let id = call(&emulator, "POST", "faults", fault).await.json()["id"].clone();
    let expected =
        json!({ "id": id, "sockets": true, "kind": "drop", "hub": "chat", "at_received": 2, "times": 3 });
    assert_eq!(get(&emulator, "faults").await["faults"][0], expected);
    client.assert_silent().await;
    client.send_json(json!({ "type": "ping" })).await;
    assert!(client.socket.next().await.is_none_or(|frame| frame.is_err()));
    assert_eq!(emulator.faults().pending(), 2);
}
