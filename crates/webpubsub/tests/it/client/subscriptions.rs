//! Handles to groups, their subscriptions, and ack ids of the program's own, against the emulator and a scripted service.

use std::future::IntoFuture;

use futures_util::StreamExt;
use service_emulator::Emulator;
use service_emulator::webpubsub::ClientToken;
use webpubsub::ServiceClient;
use webpubsub::client::{GroupEvent, OWN_ACK_IDS, Protocol, Subscription};

use super::*;
use crate::common::Log;

async fn connect(emulator: &Emulator, user: &str) -> Client {
    let roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
    let token = roles.into_iter().fold(ClientToken::new().user(user), ClientToken::role);
    let url = emulator.webpubsub().client_access_url("chat", &token);
    Client::builder(url).connect().await.unwrap()
}

async fn next(events: &mut Subscription) -> String {
    match events.next().await {
        Some(GroupEvent::Message(message)) => message.data.as_text().unwrap().to_owned(),
        Some(GroupEvent::Disconnected(gone)) => format!("disconnected: {}", gone.reason),
        Some(GroupEvent::Rejoined(_)) => "rejoined".to_owned(),
        other => format!("{other:?}"),
    }
}

fn group_message(group: &str, sequence_id: u64) -> String {
    let rest = format!(r#""dataType":"text","data":"{sequence_id}","sequenceId":{sequence_id}}}"#);
    format!(r#"{{"type":"message","from":"group","group":"{group}",{rest}"#)
}

/// Subscribes with a scripted service, which acknowledges the join.
async fn subscribe(client: &Client, peer: &mut Peer, group: &str, capacity: usize) -> Subscription {
    let subscribing = tokio::spawn(client.group(group).subscribe().capacity(capacity).into_future());
    let join = peer.json().await;
    assert_eq!((join["type"].as_str(), join["group"].as_str()), (Some("joinGroup"), Some(group)));
    peer.ack(&join["ackId"]).await;
    subscribing.await.unwrap().unwrap()
}

#[tokio::test]
async fn each_subscription_receives_the_messages_of_its_group_and_the_client_the_others() {
    let emulator = Emulator::start().await.unwrap();
    let (ann, bob) = (connect(&emulator, "ann").await, connect(&emulator, "bob").await);
    let (lobby, kitchen) = (ann.group("lobby"), ann.group("kitchen"));
    let mut in_lobby = lobby.subscribe().await.unwrap();
    let mut in_kitchen = kitchen.subscribe().await.unwrap();
    ann.group("hall").join().await.unwrap();
    for group in ["kitchen", "lobby", "hall", "lobby"] {
        bob.group(group).send(format!("to the {group}")).await.unwrap();
    }
    lobby.send("from ann").no_echo().await.unwrap();
    assert_eq!(
        (next(&mut in_lobby).await, next(&mut in_lobby).await),
        ("to the lobby".into(), "to the lobby".into())
    );
    assert_eq!(next(&mut in_kitchen).await, "to the kitchen");
    let mut events = ann.events();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert_eq!(text(&mut events).await, "to the hall");
    lobby.leave().await.unwrap();
    assert!(in_lobby.next().await.is_none(), "left");
    ann.close().await;
    assert!(in_kitchen.next().await.is_none(), "stopped");
    assert!(kitchen.subscribe().await.unwrap_err().to_string().contains("the client is closed"));
}

#[tokio::test]
async fn dropping_a_subscription_does_not_leave_the_group() {
    let emulator = Emulator::start().await.unwrap();
    let client = connect(&emulator, "ann").await;
    let group = client.group("lobby");
    drop(group.subscribe().await.unwrap());
    group.send("still here").await.unwrap();
    let mut events = client.events();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert_eq!(text(&mut events).await, "still here");
}

#[tokio::test]
async fn a_subscription_goes_on_after_a_new_connection() {
    let emulator = Emulator::start().await.unwrap();
    let client = connect(&emulator, "ann").await;
    let mut events = client.group("lobby").subscribe().await.unwrap();
    let service = emulator.webpubsub().connection_string();
    let service = ServiceClient::from_connection_string(&service, "chat").unwrap();
    service.user("ann").close_connections().reason("moving").await.unwrap();
    assert_eq!(
        (next(&mut events).await, next(&mut events).await),
        ("disconnected: moving".into(), "rejoined".into())
    );
    service.group("lobby").send("back").await.unwrap();
    assert_eq!(next(&mut events).await, "back");
}

#[tokio::test]
async fn a_subscription_needs_a_permission_a_valid_name_and_a_capacity() {
    let emulator = Emulator::start().await.unwrap();
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new());
    let client = Client::builder(url).connect().await.unwrap();
    let error = client.group("lobby").subscribe().await.unwrap_err();
    assert_eq!(error.code(), Some("Forbidden"), "{error}");
    for error in [
        client.group("").subscribe().await.unwrap_err(),
        client.group("g").subscribe().capacity(0).await.unwrap_err(),
    ] {
        assert!(error.is_invalid_input(), "{error}");
    }
}

#[tokio::test]
async fn a_subscription_that_is_not_read_neither_stops_acks_nor_loses_messages_silently() {
    for protocol in [Protocol::JsonReliable, Protocol::Json] {
        let (log, _guard) = Log::collect();
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder().protocol(protocol)).await;
        let mut events = subscribe(&client, &mut peer, "noise", 100).await;
        let sending = tokio::spawn({
            let client = client.clone();
            async move {
                for _ in 0..1000 {
                    client.send_event("e", "x").await.unwrap();
                }
            }
        });
        let (mut sent, mut acknowledged) = (0, 0);
        while sent < 1000 {
            let frame = peer.json().await;
            if frame["type"] == "sequenceAck" {
                acknowledged = frame["sequenceId"].as_u64().unwrap();
                continue;
            }
            sent += 1;
            peer.send(&group_message("noise", sent)).await;
            peer.ack(&frame["ackId"]).await;
        }
        sending.await.unwrap();
        assert!(!protocol.is_reliable() || acknowledged > 800, "{acknowledged} are acknowledged");
        for number in 1..=100 {
            assert_eq!(next(&mut events).await, number.to_string());
        }
        let Some(GroupEvent::Dropped(dropped)) = events.next().await else { panic!("no report") };
        assert_eq!(dropped.messages, 900);
        let warnings = log.text().lines().filter(|line| line.contains(" WARN ")).count();
        assert_eq!(warnings, 1, "one warning names the cause");
        assert!(log.text().contains("the program does not receive the messages of a subscription"));
    }
}

#[tokio::test]
async fn messages_for_subscriptions_do_not_need_a_program_that_receives_the_other_events() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder().without_events()).await;
    let mut events = subscribe(&client, &mut peer, "g", 10).await;
    for id in 1..=3000 {
        peer.send(&group_message(if id % 2 == 0 { "g" } else { "other" }, id)).await;
        if id % 2 == 0 {
            assert_eq!(next(&mut events).await, id.to_string());
        }
    }
}

#[tokio::test]
async fn a_dropped_task_stops_waiting_for_a_subscription() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let mut events = subscribe(&client, &mut peer, "g", 10).await;
    let alive = Arc::new(());
    {
        let waker: std::task::Waker = Arc::new(Waiter(Arc::clone(&alive))).into();
        let mut context = std::task::Context::from_waker(&waker);
        let mut waiting = std::pin::pin!(events.next());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert!(Arc::strong_count(&alive) > 1);
    }
    assert_eq!(Arc::strong_count(&alive), 1, "the waker is removed");
    let task = tokio::spawn(async move {
        let rest: Vec<_> = events.by_ref().collect().await;
        rest.len()
    });
    run_until_idle().await;
    peer.send(&group_message("g", 1)).await;
    run_until_idle().await;
    let ending = tokio::spawn(peer.ending());
    client.close().await;
    assert_eq!((task.await.unwrap(), ending.await.unwrap()), (1, Some(1000)));
}

struct Waiter(#[expect(dead_code, reason = "counts the references")] Arc<()>);

impl std::task::Wake for Waiter {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_subscription_ends_if_the_runtime_of_the_client_is_dropped() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (own, other) = (runtime(), runtime());
    let mut events = own.block_on(async {
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder()).await;
        subscribe(&client, &mut peer, "g", 10).await
    });
    drop(own);
    assert!(other.block_on(events.next()).is_none());
}

#[tokio::test]
async fn a_send_that_is_repeated_under_its_own_ack_id_is_processed_once() {
    let emulator = Emulator::start().await.unwrap();
    let client = connect(&emulator, "ann").await;
    let mut events = client.group("orders").subscribe().await.unwrap();
    for id in [*OWN_ACK_IDS.start(), *OWN_ACK_IDS.end()] {
        let order = || client.group("orders").send(id.to_string()).ack_id(id);
        let (first, again) = (order().with_receipt().await.unwrap(), order().with_receipt().await.unwrap());
        assert_eq!((first.ack_id, first.duplicate, again.duplicate), (id, false, true));
        order().await.unwrap();
        assert_eq!(next(&mut events).await, id.to_string());
    }
    client.group("orders").send("end").await.unwrap();
    assert_eq!(next(&mut events).await, "end", "each order arrived once");
    let receipt = client.group("orders").send("x").with_receipt().await.unwrap();
    assert!(receipt.ack_id < *OWN_ACK_IDS.start() && !receipt.duplicate);
}

#[tokio::test]
async fn ack_ids_that_could_be_the_clients_and_those_without_an_ack_are_rejected_before_anything_is_sent() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let own = *OWN_ACK_IDS.start();
    let event = || client.send_event("e", "x");
    for (error, text) in [
        (event().ack_id(own - 1).await, "ack id must be at least 2^48, got \"281474976710655\""),
        (event().ack_id(0).await, "ack id must be at least 2^48, got \"0\""),
        (event().ack_id(own).fire_and_forget().await, "ack id needs an acknowledgment"),
        (event().fire_and_forget().with_receipt().await.map(drop), "receipt needs an acknowledgment"),
    ] {
        let error = error.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(text), "{error}");
    }
    let first = tokio::spawn(event().ack_id(own).into_future());
    let frame = peer.json().await;
    assert_eq!(frame["ackId"].as_u64(), Some(own), "nothing else was sent");
    let error = event().ack_id(own).await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("another send in flight"), "{error}");
    peer.ack(&frame["ackId"]).await;
    first.await.unwrap().unwrap();
}
