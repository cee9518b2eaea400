//! Input that is unusual or invalid at the level of the WebSocket: nothing is lost silently, and no send has a wrong outcome.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use webpubsub::client::{Event, State};

use super::*;

const MIB_16: usize = 16 << 20;

/// Returns the frame of a server with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length @ ..126) => frame.push(length.to_le_bytes()[0]),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

fn numbered(id: u64, text: &str) -> String {
    format!(r#"{{"type":"message","from":"server","dataType":"text","data":"{text}","sequenceId":{id}}}"#)
}

#[tokio::test]
async fn segments_of_one_byte_are_read_as_if_they_had_arrived_together() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send_event("e", "x").await }
    });
    let id = peer.json().await["ackId"].clone();
    let (first, second) = (numbered(1, "é😀"), numbered(2, &"x".repeat(300)));
    // The fragments end within characters.
    let cut = first.find('é').unwrap() + 1;
    let mut bytes = frame(0x01, &first.as_bytes()[..cut]);
    bytes.extend(frame(0x89, b"ping"));
    bytes.extend(frame(0x00, &first.as_bytes()[cut..cut + 3]));
    bytes.extend(frame(0x8a, b""));
    bytes.extend(frame(0x80, &first.as_bytes()[cut + 3..]));
    bytes.extend(frame(0x81, second.as_bytes()));
    bytes.extend(frame(0x81, format!(r#"{{"type":"ack","ackId":{id},"success":true}}"#).as_bytes()));
    for byte in bytes {
        peer.raw(&[byte]).await;
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }
    sending.await.unwrap().unwrap();
    let mut events = client.events();
    events.next().await;
    assert_eq!(text(&mut events).await, "é😀");
    assert_eq!(text(&mut events).await, "x".repeat(300));
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong("ping".into()));
}

#[tokio::test]
async fn a_frame_of_16_mib_is_received_and_a_longer_message_is_closed_as_too_large() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let mut events = client.events();
    events.next().await;
    let length = MIB_16 - numbered(1, "").len();
    let largest = frame(0x81, numbered(1, &"x".repeat(length)).as_bytes());
    peer.raw(&largest).await;
    assert_eq!(text(&mut events).await.len(), length);
    // One byte more, as one frame and as two fragments.
    let content = vec![b'x'; MIB_16 + 1];
    let (head, tail) = content.split_at(MIB_16 / 2);
    let (longer, fragments) = (frame(0x81, &content), [frame(0x01, head), frame(0x80, tail)].concat());
    for too_large in [longer, fragments] {
        peer.raw(&too_large).await;
        assert_eq!(peer.ending().await, Some(1009));
        bed.pass(Duration::from_secs(5)).await;
        peer = bed.network.handshake().await.accept();
    }
    peer.send(&message(2)).await;
    loop {
        match events.next().await {
            Some(Event::ServerMessage(message)) => break assert_eq!(message.data.as_text(), Some("2")),
            Some(Event::Recovering(_) | Event::Recovered(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn every_close_code_ends_the_connection_and_is_followed_by_a_recovery_or_a_new_connection() {
    for code in 0..=5000_u16 {
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder()).await;
        peer.send(&message(1)).await;
        peer.raw(&frame(0x88, &code.to_be_bytes())).await;
        assert!(peer.ending().await.is_some(), "{code}: no response");
        let mut events = client.events();
        events.next().await;
        assert_eq!(text(&mut events).await, "1", "{code}");
        let (next, state) = (events.next().await, client.state());
        match next {
            Some(Event::Recovering(_)) => assert_eq!(state, State::Recovering, "{code}"),
            Some(Event::Disconnected(_)) => assert_eq!((code, state), (1008, State::Reconnecting)),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_send_survives_every_violation_of_the_protocol() {
    for (bytes, violation) in [
        (&[0xc1, 1, b'x'][..], "RSV1"),
        (&[0xa1, 1, b'x'], "RSV2"),
        (&[0x91, 1, b'x'], "RSV3"),
        (&[0xc9, 0], "RSV1 in a ping"),
        (&[0x81, 1, 0xff], "invalid UTF-8"),
        (&[0x01, 2, b'x', 0xc3, 0x80, 1, b'x'], "UTF-8 that is invalid across fragments"),
        (&[0x01, 1, 0xc3, 0x80, 0], "UTF-8 that is incomplete at the end"),
        (&[0x01, 1, b'x', 0x81, 1, b'y'], "a message within another"),
        (&[0x88, 1, 3], "a close frame with half a code"),
        (&[0x88, 4, 3, 0xe8, 0xff, 0xff], "a close frame whose reason is invalid UTF-8"),
    ] {
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder()).await;
        let sending = tokio::spawn({
            let client = client.clone();
            async move { client.send_event("e", "x").await }
        });
        let sent = peer.json().await;
        peer.raw(bytes).await;
        assert!(peer.ending().await.is_some(), "{violation}: no close frame");
        bed.pass(Duration::from_secs(1)).await;
        let mut peer = bed.network.handshake().await.accept();
        assert_eq!(peer.json().await, sent, "{violation}");
        peer.ack(&sent["ackId"]).await;
        sending.await.unwrap().unwrap();
    }
}

/// A service that keeps sending while the client closes the connection, over a network that resets connections.
#[tokio::test]
async fn the_close_frame_of_a_violation_arrives_although_the_service_is_still_sending() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/client/hubs/chat?access_token=a.b.c", listener.local_addr().unwrap());
    let connecting = tokio::spawn(Client::builder(url).connect());
    let mut peer = peer::accept(listener.accept().await.unwrap().0).await;
    peer.send(Message::text(peer::connected("c1"))).await.unwrap();
    let client = connecting.await.unwrap().unwrap();
    let stream = peer.get_mut();
    stream.write_all(&[&[0x81, 127][..], &(32_u64 << 20).to_be_bytes()].concat()).await.unwrap();
    for _ in 0..32 {
        stream.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    }
    let code = loop {
        match peer.next().await {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, Some(1009));
    drop(client);
}

#[tokio::test]
async fn a_close_frame_is_transmitted_although_the_socket_accepts_no_data_at_first() {
    for (bytes, code) in [(&[0xc1, 1, b'x'][..], 1002), (&[0x88, 2, 0x03, 0xf3], 1011)] {
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder()).await;
        // More than the socket holds.
        let sends =
            (0..2).map(|_| client.send_event("e", "x".repeat(900_000)).fire_and_forget().into_future());
        let _sending = tokio::spawn(futures_util::future::join_all(sends));
        run_until_idle().await;
        peer.raw(bytes).await;
        // The recovery does not wait for the end of the old connection.
        bed.pass(Duration::from_secs(1)).await;
        let _recovered = bed.network.handshake().await.accept();
        assert_eq!(peer.ending().await, Some(code));
    }
}

#[tokio::test]
async fn a_connection_that_the_service_does_not_end_after_a_close_frame_is_dropped_after_5_seconds() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    peer.raw(&[0xc1, 1, b'x']).await;
    assert!(matches!(peer.next().await, Some(Ok(Message::Close(_)))));
    bed.pass(Duration::from_millis(4900)).await;
    assert!(peer.is_connected().await);
    bed.pass(Duration::from_millis(100)).await;
    assert!(!peer.is_connected().await);
    drop(client);
}
