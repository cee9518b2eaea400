//! Traffic in both directions, during a connection and across drops.

use std::time::Duration;

use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data as Code, OpCode};
use webpubsub::Client;
use webpubsub::client::{Data, Event};

use super::*;

#[tokio::test]
async fn a_loop_that_awaits_a_send_for_each_event_does_not_deadlock_with_a_full_queue() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder().event_capacity(1)).await;
    for id in 1..=500 {
        peer.send(&message(id)).await;
    }
    let acknowledging = tokio::spawn(async move {
        for _ in 1..=500 {
            let id = loop {
                let frame = peer.json().await;
                if frame["type"] == "event" {
                    break frame["ackId"].clone();
                }
            };
            peer.ack(&id).await;
        }
    });
    let mut events = client.events();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    for id in 1..=500 {
        assert_eq!(text(&mut events).await, id.to_string());
        client.send_event("seen", Data::json(&id).unwrap()).await.unwrap();
    }
    acknowledging.await.unwrap();
}

#[tokio::test]
async fn a_full_queue_delays_neither_pings_nor_acks() {
    let bed = TestBed::new();
    let builder = bed.builder().event_capacity(1).keep_alive(Duration::from_secs(20), Duration::ZERO);
    let (client, mut peer) = bed.connect(builder).await;
    for id in 1..=100 {
        peer.send(&message(id)).await;
    }
    peer.frame(Message::Ping("are you there".into())).await;
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong("are you there".into()));
    bed.pass(Duration::from_secs(20)).await;
    assert_eq!(peer.json().await["type"], "ping");
    let joining = tokio::spawn({
        let client = client.clone();
        async move { client.join_group("g").await }
    });
    let join = peer.json().await;
    peer.ack(&join["ackId"]).await;
    joining.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_text_that_is_split_over_frames_arrives_whole() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let (mut events, text_of_all) = (client.events(), message(1));
    events.next().await;
    let parts: Vec<_> = text_of_all.as_bytes().chunks(7).collect();
    for (index, part) in parts.iter().enumerate() {
        let code = if index == 0 { Code::Text } else { Code::Continue };
        let last = index + 1 == parts.len();
        let frame = Frame::message(part.to_vec(), OpCode::Data(code), last);
        peer.frame(Message::Frame(frame)).await;
        peer.frame(Message::Ping("between".into())).await;
    }
    assert_eq!(text(&mut events).await, "1");
}

#[tokio::test]
async fn json_null_is_a_valid_message_and_missing_data_is_empty() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let mut events = client.events();
    events.next().await;
    for rest in
        [r#","dataType":"json","data":null"#, r#","dataType":"json""#, r#","dataType":"text","data":null"#]
    {
        peer.send(&format!(r#"{{"type":"message","from":"server"{rest}}}"#)).await;
    }
    let Some(Event::ServerMessage(message)) = events.next().await else { panic!("no message") };
    let Data::Json(json) = message.data else { panic!("not JSON") };
    assert_eq!(json.as_str(), "null");
    assert_eq!((text(&mut events).await, text(&mut events).await), (String::new(), String::new()));
}

#[tokio::test]
async fn a_send_that_was_cut_off_before_its_ack_is_retransmitted_with_the_same_id_after_the_recovery() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send_to_group("g", "x").no_echo().message_ttl_seconds(5).await }
    });
    let first = peer.json().await;
    assert_eq!((first["noEcho"].as_bool(), first["ttlSeconds"].as_u64()), (Some(true), Some(5)));
    drop(peer);
    bed.pass(Duration::from_secs(1)).await;
    let mut peer = bed.network.handshake().await.accept();
    assert_eq!(peer.json().await, first);
    let id = &first["ackId"];
    peer.send(&format!(
        r#"{{"type":"ack","ackId":{id},"success":false,"error":{{"name":"Duplicate","message":"was done"}}}}"#
    ))
    .await;
    sending.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_ack_that_is_read_together_with_the_close_counts() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send_event("e", "x").await }
    });
    let id = peer.json().await["ackId"].clone();
    // The client does not run between the two.
    peer.ack(&id).await;
    peer.close(1008).await;
    sending.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_half_open_connection_is_detected_by_the_idle_timeout() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    for _ in 0..5 {
        bed.pass(Duration::from_secs(20)).await;
        assert_eq!(peer.json().await["type"], "ping");
    }
    assert!(bed.network.try_handshake().await.is_none());
    bed.pass(Duration::from_secs(20)).await;
    bed.pass(Duration::from_secs(1)).await;
    let handshake = bed.network.handshake().await;
    assert!(handshake.request.uri().query().unwrap().starts_with("awps_connection_id=c1&"));
    drop(client);
}

#[tokio::test]
async fn further_sends_wait_for_a_permit() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder().max_pending(2)).await;
    let sends: Vec<_> = (0..5)
        .map(|number: u32| {
            let client = client.clone();
            tokio::spawn(async move { client.send_event("e", Data::json(&number).unwrap()).await })
        })
        .collect();
    let mut frames = vec![peer.json().await, peer.json().await];
    run_until_idle().await;
    let mut peer = Some(peer);
    for _ in 0..3 {
        let peer = peer.as_mut().unwrap();
        let early =
            tokio::select! { biased; frame = peer.json() => Some(frame), () = run_until_idle() => None };
        assert!(early.is_none(), "two are in flight already: {early:?}");
        let oldest = frames.remove(0);
        peer.ack(&oldest["ackId"]).await;
        frames.push(peer.json().await);
    }
    for frame in frames {
        peer.as_mut().unwrap().ack(&frame["ackId"]).await;
    }
    for send in sends {
        send.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn invalid_names_and_long_data_are_rejected_before_anything_is_written() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let long = "x".repeat(1 << 20);
    for (error, rule) in [
        (client.join_group(" ").await.unwrap_err(), "group must not be empty"),
        (client.leave_group("").await.unwrap_err(), "group must not be empty"),
        (client.send_event("1st", "x").await.unwrap_err(), "event must be 1 to 128 characters"),
        (client.send_event("é", "x").await.unwrap_err(), "event must be 1 to 128 characters"),
        (
            client.send_event("e", long.as_str()).await.unwrap_err(),
            "data must be at most 1 MB as a frame, has 10486",
        ),
        (
            client.send_to_group("g", "x").message_ttl_seconds(301).await.unwrap_err(),
            "must be 0 to 300 seconds",
        ),
    ] {
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
    }
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send_event("E.v_1-2", "x").fire_and_forget().await }
    });
    assert_eq!(peer.json().await["event"], "E.v_1-2", "the first frame received");
    sending.await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_that_a_service_sends_panics_or_hangs_the_client() {
    let bed = TestBed::new();
    let mut runner = TestRunner::deterministic();
    let bytes = proptest::collection::vec(any::<u8>(), 1..300);
    let (client, mut peer) = bed.connect(bed.builder()).await;
    for _ in 0..100 {
        let garbage = bytes.new_tree(&mut runner).unwrap().current();
        peer.raw(&garbage).await;
        run_until_idle().await;
        drop(peer);
        let handshake = loop {
            bed.pass(Duration::from_secs(1)).await;
            if let Some(handshake) = bed.network.try_handshake().await {
                break handshake;
            }
        };
        let recovers = handshake.request.uri().query().is_some();
        peer = handshake.accept();
        peer.send(&peer::connected(if recovers { "c1" } else { "c2" })).await;
        run_until_idle().await;
    }
    let joining = tokio::spawn(async move { client.join_group("g").await });
    let join = peer.json().await;
    peer.ack(&join["ackId"]).await;
    joining.await.unwrap().unwrap();
}

#[tokio::test]
async fn handles_can_be_cloned_spawned_and_debugged_and_show_no_secret() {
    fn check<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn spawnable<T: Send + 'static>(_: &T) {}
    let bed = TestBed::new();
    let builder = bed.builder();
    let shown = format!("{builder:?}");
    let (client, _peer) = bed.connect(builder).await;
    check::<Client>(&client);
    let send = client.send_to_group("g", "planted");
    spawnable(&send);
    let shown = format!("{shown} {client:?} {send:?} {:?}", client.events());
    assert!(!shown.contains("planted"), "{shown}");
    assert!(shown.contains("Data") || shown.contains("Text(7 bytes)"));
}
