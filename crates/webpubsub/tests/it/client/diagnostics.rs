//! Log lines that explain why a client did not respond to the service in time.

use std::future::IntoFuture;

use tokio_tungstenite::tungstenite::Message;
use webpubsub::client::Data;

use super::*;
use crate::common::Log;

const INTERVAL: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_idle_client_responds_to_each_ping_at_once() {
    for builder in [ClientBuilder::without_events, |builder: ClientBuilder| builder] {
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(builder(bed.builder())).await;
        for number in 0..100_u32 {
            let payload = number.to_be_bytes().to_vec();
            peer.frame(Message::Ping(payload.clone().into())).await;
            // No time passes, and the client has nothing else to write.
            assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong(payload.into()));
        }
        drop(client);
    }
}

#[tokio::test]
async fn a_client_whose_task_runs_late_logs_the_delay() {
    let (log, _guard) = Log::collect();
    let bed = TestBed::new();
    let builder = bed.builder().keep_alive(INTERVAL, Duration::ZERO);
    let (_client, mut peer) = bed.connect(builder).await;
    bed.pass(INTERVAL).await;
    assert_eq!(peer.json().await["type"], "ping");
    assert!(!log.text().contains("WARN"), "{}", log.text());
    bed.pass(INTERVAL + Duration::from_secs(60)).await;
    let text = log.text();
    let line = text.lines().find(|line| line.contains(" WARN ")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("the client's task ran late") && line.contains("late_by=60s"), "{line}");
}

#[tokio::test]
async fn a_socket_that_accepts_no_data_is_logged_once_until_it_does() {
    let (log, _guard) = Log::collect();
    let bed = TestBed::new();
    let builder = bed.builder().keep_alive(INTERVAL, Duration::ZERO);
    let (client, mut peer) = bed.connect(builder).await;
    // More than the buffers between the client and the service can contain.
    let sends: Vec<_> = (0..4)
        .map(|_| {
            let send = client.send_event("e", Data::from("x".repeat(1_000_000))).fire_and_forget();
            tokio::spawn(send.into_future())
        })
        .collect();
    bed.pass(INTERVAL).await;
    bed.pass(INTERVAL).await;
    let text = log.text();
    let warnings: Vec<_> = text.lines().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(warnings.len(), 1, "{text}");
    assert!(
        warnings[0].contains("the connection accepts no data") && warnings[0].contains("blocked_for=20s"),
        "{text}"
    );
    while sends.iter().any(|send| !send.is_finished()) {
        peer.json().await;
    }
}
