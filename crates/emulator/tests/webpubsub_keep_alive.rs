//! Pings of the service, and what becomes of clients that answer none, in moved time.
#![cfg(feature = "webpubsub")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail their test")]

mod common;

use std::time::Duration;

use common::clients::{Client, publish};
use common::reliable::{connect, message, recover};
use serde_json::json;
use service_emulator::{Emulator, SocketFault};
use tokio_tungstenite::tungstenite::Message;

const INTERVAL: Duration = Duration::from_secs(20);

/// Whether the one connection of the hub has a socket; none without the connection.
fn online(emulator: &Emulator) -> Option<bool> {
    emulator.webpubsub().connections("chat").first().map(|connection| connection.online)
}

/// Moves time by one interval and lets the service see it.
async fn pass_interval(emulator: &Emulator) {
    emulator.clock().advance(INTERVAL);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_answers_pings_stays_connected() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    for _ in 0..8 {
        emulator.clock().advance(INTERVAL);
        assert!(matches!(client.next().await, Message::Ping(_)));
        client.assert_silent().await;
    }
    assert_eq!(online(&emulator), Some(true));
}

#[tokio::test]
async fn a_client_that_answers_nothing_is_told_ping_timeout() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    for _ in 0..4 {
        assert_eq!(online(&emulator), Some(true));
        pass_interval(&emulator).await;
    }
    for _ in 0..3 {
        assert!(matches!(client.next().await, Message::Ping(_)));
    }
    let told = json!({ "type": "system", "event": "disconnected", "message": "PingTimeout" });
    assert_eq!(client.frame().await, told);
    assert_eq!(client.closed().await.0, 1001);
    emulator.webpubsub().wait_for_connections("chat", 0).await;
}

#[tokio::test]
async fn one_large_step_of_the_clock_loses_nobody() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    emulator.clock().advance(Duration::from_secs(3600));
    assert!(matches!(client.next().await, Message::Ping(_)));
    client.assert_silent().await;
}

#[tokio::test]
async fn a_reliable_connection_whose_socket_went_half_open_is_kept_for_a_recovery() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push_socket(SocketFault::half_open().after_sent(1));
    let (deaf, token) = connect(&emulator, json!({ "webpubsub.group": "g" })).await;
    while online(&emulator) != Some(false) {
        pass_interval(&emulator).await;
    }
    publish(&emulator, "a").await;
    let mut client = recover(&emulator, &deaf.id, &token).await;
    assert_eq!(message(&mut client).await, (1, "a".to_owned()));
    assert_eq!(online(&emulator), Some(true));
}
