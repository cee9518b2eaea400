//! What a client reports to a meter, and its statistics.

use service_core::testing::RecordingMeter;
use webpubsub::client::State;

use super::*;

#[tokio::test]
async fn a_client_reports_its_hub_its_state_and_its_queue_and_leaves_nothing_behind() {
    let (bed, meter) = (TestBed::new(), RecordingMeter::new());
    let (client, mut peer) = bed.connect(bed.builder().meter(Arc::new(meter.clone()))).await;
    peer.send(&message(1)).await;
    run_until_idle().await;
    let hub = [("webpubsub.hub", "chat")];
    assert_eq!(meter.sum("webpubsub.client.queue.messages", &hub), 2.0);
    let connected = [("webpubsub.hub", "chat"), ("webpubsub.connection.state", "connected")];
    assert_eq!(meter.sum("webpubsub.client.connections", &connected), 1.0);
    let mut events = client.events();
    events.next().await;
    assert_eq!(meter.sum("webpubsub.client.queue.messages", &hub), 1.0);
    let ending = tokio::spawn(peer.ending());
    client.close().await;
    ending.await.unwrap();
    drop((client, events));
    run_until_idle().await;
    assert_eq!(meter.sum("webpubsub.client.queue.messages", &[]), 0.0);
    assert_eq!(meter.sum("webpubsub.client.connections", &[]), 0.0);
    let values = meter.values();
    let of_client = values.iter().filter(|it| it.instrument.name.starts_with("webpubsub.client."));
    assert!(of_client.clone().count() > 0);
    for recorded in of_client {
        assert!(webpubsub::INSTRUMENTS.iter().any(|known| known.name == recorded.instrument.name));
    }
}

#[tokio::test]
async fn the_statistics_show_the_state_the_sends_and_the_events_that_wait() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder().max_pending(1).event_capacity(1)).await;
    for id in 1..=3 {
        peer.send(&message(id)).await;
    }
    let sends: Vec<_> = (0..3)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send_event("e", "x").await })
        })
        .collect();
    run_until_idle().await;
    let stats = client.stats();
    assert_eq!((stats.state, stats.sends_in_flight, stats.sends_waiting), (State::Connected, 1, 2));
    assert_eq!(stats.events_waiting, 4, "three messages and the event for the connection");
    drop(client);
    for send in sends {
        send.abort();
    }
}
