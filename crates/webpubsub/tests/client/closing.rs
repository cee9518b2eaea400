//! The end of a client: orderly, told, and without a task left behind.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use webpubsub::client::{Access, Event, Reconnect};
use webpubsub::{Client, Delivery};

use super::*;

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn close_says_1000_and_returns_when_no_task_is_left() {
    let world = World::new();
    let (client, peer) = world.connect(world.builder()).await;
    let ending = tokio::spawn(peer.ending());
    client.close().await;
    assert_eq!(ending.await.unwrap(), Some(1000));
    settle().await;
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
async fn close_settles_what_is_acknowledged_in_time_and_fails_the_rest() {
    let world = World::new();
    let (client, mut peer) = world.connect(world.builder()).await;
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
    settle().await;
    peer.ack(&ids[0]).await;
    first.await.unwrap().unwrap();
    assert!(!closing.is_finished());
    let ending = tokio::spawn(peer.ending());
    world.pass(Duration::from_secs(5)).await;
    assert!(second.await.unwrap().unwrap_err().outcome_unknown());
    closing.await.unwrap();
    assert_eq!(ending.await.unwrap(), Some(1000));
}

#[tokio::test]
async fn close_during_a_pause_and_during_an_attempt_ends_at_once() {
    for attempting in [false, true] {
        let world = World::new();
        let (client, peer) = world.connect(world.builder()).await;
        drop(peer);
        if attempting {
            world.pass(Duration::from_secs(1)).await;
        }
        settle().await;
        let _knock = world.network.try_knock().await;
        assert_eq!(_knock.is_some(), attempting);
        client.close().await;
        settle().await;
        assert_eq!(tasks(), 0);
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_the_close_is_not_waited_for_long() {
    let world = World::new();
    let (client, peer) = world.connect(world.builder()).await;
    let closing = tokio::spawn(async move { client.close().await });
    world.pass(Duration::from_secs(5)).await;
    closing.await.unwrap();
    drop(peer);
}

#[tokio::test]
async fn the_last_handle_closes_the_connection_and_events_are_a_handle_too() {
    let world = World::new();
    let (client, mut peer) = world.connect(world.builder()).await;
    let mut events = client.events();
    drop(client);
    peer.send(&message(1)).await;
    events.next().await;
    assert_eq!(text(&mut events).await, "1");
    let ending = tokio::spawn(peer.ending());
    drop(events);
    assert_eq!(ending.await.unwrap(), Some(1000));
    settle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test]
async fn a_connect_that_is_given_up_leaves_nothing_behind() {
    let world = World::new();
    let connecting = tokio::spawn(world.builder().connect());
    let _knock = world.network.knock().await;
    connecting.abort();
    settle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test]
async fn a_client_that_gives_up_says_why_as_its_last_event() {
    let world = World::new();
    let builder = world.builder().reconnect(Reconnect::default().max_attempts(1));
    let (client, mut peer) = world.connect(builder).await;
    peer.close(1008).await;
    world.pass(Duration::from_secs(1)).await;
    world.network.knock().await.refuse(503);
    let mut events = client.events();
    events.next().await;
    assert!(matches!(events.next().await, Some(Event::Disconnected(_))));
    let Some(Event::Stopped(stopped)) = events.next().await else { panic!("not stopped") };
    assert_eq!(stopped.error.unwrap().status().unwrap().as_u16(), 503);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn many_sends_behind_a_close_all_learn_that_they_were_not_sent() {
    let world = World::new();
    let (client, peer) = world.connect(world.builder()).await;
    drop(peer);
    settle().await;
    // All of them are handed over before the client's task has its next turn.
    let sends = (0..200).map(|_| client.send_event("e", "x").into_future());
    let ((), outcomes) = tokio::join!(client.close(), futures_util::future::join_all(sends));
    for error in outcomes.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.delivery(), Some(Delivery::NotSent), "{error}");
    }
}

#[tokio::test]
async fn a_closed_client_with_more_events_than_it_keeps_ends_without_waiting() {
    let world = World::new();
    let (client, mut peer) = world.connect(world.builder().event_capacity(1)).await;
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send_event("e", "x").await }
    });
    let id = peer.json().await["ackId"].clone();
    for id in 1..=1500 {
        peer.send(&message(id)).await;
    }
    settle().await;
    let closing = tokio::spawn(async move { client.close().await });
    settle().await;
    peer.ack(&id).await;
    assert_eq!(peer.ending().await, Some(1000));
    sending.await.unwrap().unwrap();
    closing.await.unwrap();
}

#[tokio::test]
async fn an_access_that_panics_ends_the_client_and_its_events_say_so() {
    let world = World::new();
    let asked = AtomicBool::new(false);
    let access = Access::from_fn(move || {
        assert!(!asked.swap(true, Ordering::Relaxed), "the second time");
        async { Ok::<_, std::io::Error>(URL) }
    });
    let (client, mut peer) = world.connect(world.around(Client::builder(access))).await;
    peer.close(1008).await;
    world.pass(Duration::from_secs(1)).await;
    let events: Vec<_> = client.events().collect().await;
    let [Event::Connected(_), Event::Disconnected(_), Event::Stopped(stopped)] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(stopped.error.is_some());
    assert!(client.is_closed());
}
