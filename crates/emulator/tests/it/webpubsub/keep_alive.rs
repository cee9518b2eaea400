//! The service's pings, and what happens to clients that do not respond, with an advanced clock.

use std::time::Duration;

use serde_json::json;
use service_emulator::{Emulator, SocketFault};
use tokio_tungstenite::tungstenite::Message;

use super::common::clients::{Client, publish};
use super::common::reliable::{connect, message, recover};

const INTERVAL: Duration = Duration::from_secs(20);

/// Whether the only connection of the hub has a socket. `None` without a connection.
fn online(emulator: &Emulator) -> Option<bool> {
    emulator.webpubsub().connections("chat").first().map(|connection| connection.online)
}

/// Advances the clock by one interval and lets the service run.
async fn pass_interval(emulator: &Emulator) {
    emulator.clock().advance(INTERVAL);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_responds_to_pings_stays_connected() {
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
async fn a_client_that_does_not_respond_is_closed_with_ping_timeout() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    for _ in 0..4 {
        assert_eq!(online(&emulator), Some(true));
        pass_interval(&emulator).await;
    }
    for _ in 0..3 {
        assert!(matches!(client.next().await, Message::Ping(_)));
    }
    let event = json!({ "type": "system", "event": "disconnected", "message": "PingTimeout" });
    assert_eq!(client.frame().await, event);
    assert_eq!(client.closed().await.0, 1001);
    emulator.webpubsub().wait_for_connections("chat", 0).await;
}

#[tokio::test]
async fn one_large_step_of_the_clock_disconnects_no_client() {
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
