//! A program that never receives its events.

use webpubsub::client::Protocol;

use super::*;
use crate::common::Log;

#[tokio::test]
async fn a_client_that_never_receives_its_own_messages_keeps_sending_and_one_warning_names_the_cause() {
    for protocol in [Protocol::JsonReliable, Protocol::Json] {
        let (log, _guard) = Log::collect();
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder().protocol(protocol)).await;
        let service = tokio::spawn(async move {
            for number in 1..=3000 {
                let id = loop {
                    let frame = peer.json().await;
                    if frame["type"] == "sendToGroup" {
                        break frame["ackId"].clone();
                    }
                };
                peer.send(&message(number)).await;
                peer.ack(&id).await;
            }
            peer
        });
        for _ in 0..3000 {
            client.send_to_group("g", "x").await.unwrap();
        }
        let _peer = service.await.unwrap();
        let text = log.text();
        let warnings: Vec<_> = text.lines().filter(|line| line.contains(" WARN ")).collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("the program does not receive its events"), "{warnings:?}");
    }
}
