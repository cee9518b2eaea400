//! The end of a client: graceful, reported, and without a leaked task.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use webpubsub::client::{Access, Event, Reconnect};
use webpubsub::{Client, Delivery};

use super::*;

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn close_sends_1000_and_returns_when_no_task_is_left() {
    let bed = TestBed::new();
    let (client, peer) = bed.connect(bed.builder()).await;
    let ending = tokio::spawn(peer.ending());
    client.close().await;
    assert_eq!(ending.await.unwrap(), Some(1000));
    run_until_idle().await;
    assert_eq!(tasks(), 0);
    assert!(client.is_closed());
    let events: Vec<_> = client.events().collect().await;
    assert!(matches!(&events[..], [Event::Connected(_), Event::Stopped(stopped)] if stopped.error.is_none()));
    let error = client.join_group("g").await.unwrap_err();
    assert_eq!(
        (error.delivery(), error.to_string().as_str()),
        (Some(Delivery::NotSent), "joinGroup: the client is closed")
    );
    client.close().await;
}

#[tokio::test]
async fn close_completes_what_is_acknowledged_in_time_and_fails_the_rest() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let send = |client: &Client| {
        tokio::spawn({
            let client = client.clone();
            async move { client.send_event("e", "x").await }
        })
    };
    let (first, second) = (send(&client), send(&client));
    let ids = [peer.json().await["ackId"].clone(), peer.json().await["ackId"].clone()];
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    run_until_idle().await;
    peer.ack(&ids[0]).await;
    first.await.unwrap().unwrap();
    assert!(!closing.is_finished());
    let ending = tokio::spawn(peer.ending());
    bed.pass(Duration::from_secs(5)).await;
    assert!(second.await.unwrap().unwrap_err().outcome_unknown());
    closing.await.unwrap();
    assert_eq!(ending.await.unwrap(), Some(1000));
}

#[tokio::test]
async fn close_during_a_backoff_or_an_attempt_returns_immediately() {
    for attempting in [false, true] {
        let bed = TestBed::new();
        let (client, peer) = bed.connect(bed.builder()).await;
        drop(peer);
        if attempting {
            bed.pass(Duration::from_secs(1)).await;
        }
        run_until_idle().await;
        let _handshake = bed.network.try_handshake().await;
        assert_eq!(_handshake.is_some(), attempting);
        client.close().await;
        run_until_idle().await;
        assert_eq!(tasks(), 0);
    }
}

#[tokio::test]
async fn close_waits_5_seconds_for_a_service_that_does_not_respond() {
    let bed = TestBed::new();
    let (client, peer) = bed.connect(bed.builder()).await;
    let closing = tokio::spawn(async move { client.close().await });
    bed.pass(Duration::from_secs(5)).await;
    closing.await.unwrap();
    drop(peer);
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_connection_and_events_count_as_a_handle() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let mut events = client.events();
    drop(client);
    peer.send(&message(1)).await;
    events.next().await;
    assert_eq!(text(&mut events).await, "1");
    let ending = tokio::spawn(peer.ending());
    drop(events);
    assert_eq!(ending.await.unwrap(), Some(1000));
    run_until_idle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test]
async fn a_dropped_connect_leaks_no_task() {
    let bed = TestBed::new();
    let connecting = tokio::spawn(bed.builder().connect());
    let _handshake = bed.network.handshake().await;
    connecting.abort();
    run_until_idle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test]
async fn a_client_that_gives_up_reports_the_error_in_its_last_event() {
    let bed = TestBed::new();
    let builder = bed.builder().reconnect(Reconnect::default().max_attempts(1));
    let (client, mut peer) = bed.connect(builder).await;
    peer.close(1008).await;
    bed.pass(Duration::from_secs(2)).await;
    bed.network.handshake().await.reject(503);
    let mut events = client.events();
    events.next().await;
    assert!(matches!(events.next().await, Some(Event::Disconnected(_))));
    let Some(Event::Stopped(stopped)) = events.next().await else { panic!("not stopped") };
    assert_eq!(stopped.error.unwrap().status().unwrap().as_u16(), 503);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn sends_queued_after_a_close_all_fail_as_not_sent() {
    let bed = TestBed::new();
    let (client, peer) = bed.connect(bed.builder()).await;
    drop(peer);
    run_until_idle().await;
    // All of them are queued before the client's task runs again.
    let sends = (0..200).map(|_| client.send_event("e", "x").into_future());
    let ((), outcomes) = tokio::join!(client.close(), futures_util::future::join_all(sends));
    for error in outcomes.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.delivery(), Some(Delivery::NotSent), "{error}");
    }
}

#[tokio::test]
async fn a_closed_client_with_a_full_buffer_ends_without_waiting() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder().event_capacity(1)).await;
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send_event("e", "x").await }
    });
    let id = peer.json().await["ackId"].clone();
    for id in 1..=1500 {
        peer.send(&message(id)).await;
    }
    run_until_idle().await;
    let closing = tokio::spawn(async move { client.close().await });
    run_until_idle().await;
    peer.ack(&id).await;
    assert_eq!(peer.ending().await, Some(1000));
    sending.await.unwrap().unwrap();
    closing.await.unwrap();
}

#[tokio::test]
async fn an_access_that_panics_or_returns_no_url_fails_one_attempt() {
    type Outcome = std::io::Result<String>;
    type Fails = fn() -> Outcome;
    let failures: [(Fails, &str); 3] = [
        (|| panic!("no {}", "session"), "the access function panicked: no session"),
        (|| Ok(String::new()), "client access URL is not a URL"),
        (|| Ok("<html>sign in</html>".to_owned()), "client access URL is not a URL"),
    ];
    for (failure, text) in failures {
        let called = AtomicUsize::new(0);
        let access = Access::from_fn(move || {
            let call = called.fetch_add(1, Ordering::Relaxed);
            async move { if call == 1 { failure() } else { Ok(URL.to_owned()) } }
        });
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.configure(Client::builder(access))).await;
        peer.close(1008).await;
        bed.pass(Duration::from_secs(1)).await;
        assert!(bed.network.try_handshake().await.is_none());
        bed.pass(Duration::from_secs(2)).await;
        let _peer = bed.network.connect("c2").await;
        let (mut events, mut connected) = (client.events(), 0);
        while connected < 2 {
            connected += usize::from(matches!(events.next().await, Some(Event::Connected(_))));
        }

        let first = Access::from_fn(move || async move { failure() });
        let error = bed.configure(Client::builder(first)).connect().await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn an_access_that_panics_before_it_returns_a_future_is_an_error_too() {
    fn access() -> std::future::Ready<std::io::Result<String>> {
        panic!("too early")
    }
    let bed = TestBed::new();
    let error = bed.configure(Client::builder(Access::from_fn(access))).connect().await.unwrap_err();
    assert!(error.to_string().contains("the access function panicked: too early"), "{error}");
}
