//! The order of sends, and the slots that they take.

use std::collections::HashSet;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use service_core::Result;
use webpubsub::Client;
use webpubsub::client::Data;

use super::*;

const SENDS: u32 = 10_000;

fn sends(client: &Client) -> impl Iterator<Item = Pin<Box<dyn Future<Output = Result<()>> + Send>>> {
    (0..SENDS).map(|number| client.send_event("e", Data::json(&number).unwrap()).into_future())
}

/// Acknowledges this many sends, and returns their data in the order in which they were received.
async fn acknowledge(mut peer: Peer, sends: u32) -> Vec<u64> {
    let mut received = Vec::new();
    while received.len() < sends as usize {
        let frame = peer.json().await;
        if frame["type"] == "event" {
            received.push(frame["data"].as_u64().unwrap());
            peer.ack(&frame["ackId"]).await;
        }
    }
    received
}

#[tokio::test]
async fn sends_that_are_polled_together_are_written_in_the_order_of_their_first_poll() {
    for joined in [true, false] {
        let bed = TestBed::new();
        let (client, peer) = bed.connect(bed.builder()).await;
        let service = tokio::spawn(acknowledge(peer, SENDS));
        let outcomes: Vec<_> = if joined {
            join_all(sends(&client)).await
        } else {
            sends(&client).collect::<FuturesUnordered<_>>().collect().await
        };
        assert!(outcomes.iter().all(Result::is_ok));
        let received = service.await.unwrap();
        let wrong = received.iter().zip(0..).find(|(received, sent)| *received != sent);
        assert_eq!(wrong, None, "joined: {joined}");
    }
}

#[tokio::test]
async fn one_deadline_starts_at_the_first_poll_and_includes_the_wait_for_a_slot() {
    let bed = TestBed::new();
    let second = Duration::from_secs(1);
    let (client, _peer) = bed.connect(bed.builder().ack_timeout(second).max_pending(2)).await;
    let sending = tokio::spawn(join_all((0..10).map(|_| client.send_event("e", "x").into_future())));
    bed.pass(second).await;
    assert!(sending.is_finished());
    assert!(sending.await.unwrap().iter().all(|outcome| outcome.as_ref().unwrap_err().is_timeout()));
}

#[tokio::test]
async fn a_deadline_of_one_call_overrides_that_of_the_client() {
    let bed = TestBed::new();
    let (client, _peer) = bed.connect(bed.builder()).await;
    let sending = tokio::spawn({
        let send = client.send_to_group("g", "x").deadline(Duration::from_millis(50));
        async move { send.await }
    });
    bed.pass(Duration::from_millis(50)).await;
    let error = sending.await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("sendToGroup: no acknowledgment received within 50ms"), "{error}");
}

#[tokio::test]
async fn sends_that_are_dropped_at_random_points_are_not_duplicated_and_give_their_slots_back() {
    const DROPPED: u32 = 20_000;
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder().max_pending(8)).await;
    let service = tokio::spawn(async move {
        let (mut received, mut ends) = (HashSet::new(), 0);
        while ends < 8 {
            let frame = peer.json().await;
            peer.ack(&frame["ackId"]).await;
            match frame["data"].as_u64() {
                Some(number) => assert!(received.insert(number), "{number} was received twice"),
                None => ends += 1,
            }
        }
        received.len()
    });
    let mut state = 1_u64;
    for number in 0..DROPPED {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut send = client.send_event("e", Data::json(&number).unwrap()).into_future();
        for _ in 0..(state >> 33) % 8 {
            if futures_util::poll!(&mut send).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // Each slot is needed by one of these.
    let last = join_all((0..8).map(|_| client.send_event("e", "end").into_future())).await;
    assert!(last.iter().all(Result::is_ok), "{last:?}");
    assert!(service.await.unwrap() > 1000);
}
