//! Access tokens, reconnection tokens and message contents appear in no log line and in no `Debug` output.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use webpubsub::client::Event;

use super::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn drops_rejections_and_malformed_frames_show_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
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
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("skipped a frame from the service") && log.contains("connection attempt failed"),
        "{log}"
    );
    assert!(shown.last().unwrap().contains("401"), "{shown:?}");
    for text in shown.iter().chain([&log]) {
        assert!(!text.contains("planted"), "{text}");
    }
}
