//! Access tokens, reconnection tokens and message contents appear in no log line and in no `Debug` output.

use std::time::Duration;

use webpubsub::client::Event;

use super::*;
use crate::common::Log;

#[tokio::test]
async fn drops_rejections_and_malformed_frames_show_no_secret() {
    let (log, _guard) = Log::collect();
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder().event_capacity(16)).await;
    for frame in [r#"{"type":"planted"}"#, "planted", r#"{"type":"message","from":"planted","sequenceId":1}"#]
    {
        peer.send(frame).await;
    }
    peer.send(r#"{"type":"message","from":"server","dataType":"text","data":"planted"}"#).await;
    peer.send(r#"{"type":"ack","ackId":"planted"}"#).await;
    run_until_idle().await;
    drop(peer);
    bed.pass(Duration::from_secs(1)).await;
    let handshake = bed.network.handshake().await;
    assert!(handshake.request.uri().to_string().contains("planted-c1"), "the secret could be shown");
    drop(handshake);
    bed.pass(Duration::from_secs(1)).await;
    bed.network.handshake().await.reject(401);
    bed.pass(Duration::from_secs(1)).await;
    bed.network.handshake().await.reject(401);
    run_until_idle().await;
    let mut events = client.events();
    let mut shown = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Stopped(stopped) = &event {
            let error = stopped.error.as_ref().unwrap();
            shown.push(format!("{error} {error:?}"));
        }
        shown.push(format!("{event:?}"));
    }
    let log = log.text();
    assert!(
        log.contains("skipped a frame from the service") && log.contains("connection attempt failed"),
        "{log}"
    );
    assert!(shown.last().unwrap().contains("401"), "{shown:?}");
    for text in shown.iter().chain([&log]) {
        assert!(!text.contains("planted"), "{text}");
    }
}
