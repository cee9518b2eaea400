//! The protobuf subprotocols: frames written byte by byte from the specification, and messages that cross between the
//! protocols.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use service_emulator::Emulator;
use tokio_tungstenite::tungstenite::Message;

use super::common::clients::{Client, Socket, open, publish, rest, send};
use super::common::protobuf::{PROTOBUF, RELIABLE, connect, field, number, receive, write};
use super::common::webhook::Webhook;

fn ack(id: u64) -> Vec<u8> {
    field(1, &[&number(1, id), &number(2, 1)])
}

fn failed(id: u64, name: &str, message: &str) -> Vec<u8> {
    let error = field(3, &[&field(1, &[name.as_bytes()]), &field(2, &[message.as_bytes()])]);
    field(1, &[&number(1, id), &error])
}

fn from_group(data: &[u8]) -> Vec<u8> {
    field(2, &[&field(1, &[b"group"]), &field(2, &[b"g"]), &field(3, &[data])])
}

/// A connected client, and its connection id.
async fn connected(emulator: &Emulator, claims: Value) -> (Socket, String) {
    let mut socket = connect(emulator, claims, PROTOBUF, "").await;
    receive(&mut socket).await;
    let connections = emulator.webpubsub().connections("chat");
    let own = connections.into_iter().rfind(|other| other.subprotocol.as_deref() == Some(PROTOBUF));
    (socket, own.unwrap().connection_id)
}

fn member() -> Value {
    json!({ "sub": "ann", "webpubsub.group": "g", "role": ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"] })
}

#[tokio::test]
async fn the_first_frame_says_who_is_connected_and_the_last_that_the_connection_ends() {
    let emulator = Emulator::start().await.unwrap();
    let mut socket = connect(&emulator, member(), PROTOBUF, "").await;
    let first = receive(&mut socket).await;
    let id = emulator.webpubsub().connections("chat")[0].connection_id.clone();
    let connected = field(1, &[&field(1, &[id.as_bytes()]), &field(2, &[b"ann"])]);
    assert_eq!(first, field(3, &[&connected]));
    rest(&emulator, "DELETE", &format!("connections/{id}?reason=bye")).await;
    assert_eq!(receive(&mut socket).await, field(3, &[&field(2, &[&field(2, &[b"bye"])])]));
}

#[tokio::test]
async fn every_request_is_carried_out_and_acknowledged() {
    let emulator = Emulator::start().await.unwrap();
    let (mut socket, id) = connected(&emulator, member()).await;
    let in_group = |id: u64| [field(1, &[b"h"]), number(2, id)].concat();
    write(&mut socket, field(6, &[&in_group(1)])).await;
    assert_eq!(receive(&mut socket).await, ack(1));
    assert_eq!(super::common::clients::groups(&emulator, &id), ["g", "h"]);
    write(&mut socket, field(7, &[&in_group(u64::MAX)])).await;
    assert_eq!(receive(&mut socket).await, ack(u64::MAX));
    assert_eq!(super::common::clients::groups(&emulator, &id), ["g"]);
    let text = field(1, &[b"hi"]);
    let send = [field(1, &[b"g"]), number(2, 3), field(3, &[&text]), number(4, 1), number(5, 300)].concat();
    write(&mut socket, field(1, &[&send])).await;
    assert_eq!(receive(&mut socket).await, ack(3), "without an echo before it");
    write(&mut socket, field(1, &[&send])).await;
    let message = "Message with ack-id: 3 has been processed";
    assert_eq!(receive(&mut socket).await, failed(3, "Duplicate", message));
    let event = [field(1, &[b"order"]), field(2, &[&text]), number(3, 4)].concat();
    write(&mut socket, field(5, &[&event])).await;
    let message = "Internal server error";
    assert_eq!(receive(&mut socket).await, failed(4, "InternalServerError", message), "there is no handler");
    write(&mut socket, field(8, &[&number(1, 9)])).await;
    write(&mut socket, field(9, &[])).await;
    assert_eq!(receive(&mut socket).await, field(4, &[]));
}

#[tokio::test]
async fn payloads_cross_over_between_the_protocols() {
    let emulator = Emulator::start().await.unwrap();
    let (mut protobuf, _) = connected(&emulator, member()).await;
    let mut json = Client::json(&emulator, member()).await;
    let mut simple = Client::simple(&emulator, json!({ "webpubsub.group": "g" }), "").await;
    let any = field(3, &[&field(1, &[b"type.test/A"]), &field(2, &[&[1, 2]])]);
    for (data, kind, value, plain) in [
        (field(1, &[b"hi"]), "text", json!("hi"), Message::text("hi")),
        (field(2, &[&[1, 2, 3]]), "binary", json!("AQID"), Message::binary(vec![1, 2, 3])),
        (any.clone(), "protobuf", json!("Cgt0eXBlLnRlc3QvQRICAQI="), Message::binary(any[2..].to_vec())),
        (field(4, &[b"{\"a\":1}"]), "json", json!({ "a": 1 }), Message::text("{\"a\":1}")),
    ] {
        write(&mut protobuf, field(1, &[&[field(1, &[b"g"]), field(3, &[&data])].concat()])).await;
        assert_eq!(receive(&mut protobuf).await, from_group(&data));
        let frame = json.frame().await;
        assert_eq!((&frame["dataType"], &frame["data"]), (&json!(kind), &value));
        assert_eq!((&frame["fromUserId"], simple.next().await), (&json!("ann"), plain.clone()));
        json.send_json(json!({ "type": "sendToGroup", "group": "g", "dataType": kind, "data": value })).await;
        assert_eq!(receive(&mut protobuf).await, from_group(&data));
        json.frame().await;
        simple.next().await;
    }
    send(&emulator, "POST", ":send", "application/json", "[1]").await;
    let message = field(2, &[&field(1, &[b"server"]), &field(3, &[&field(4, &[b"[1]"])])]);
    assert_eq!(receive(&mut protobuf).await, message);
}

#[tokio::test]
async fn a_reliable_connection_is_numbered_and_recovered() {
    let emulator = Emulator::start().await.unwrap();
    let mut socket = connect(&emulator, member(), RELIABLE, "").await;
    let first = receive(&mut socket).await;
    let start = first.iter().position(|byte| *byte == b'.').unwrap() - 36;
    let token = String::from_utf8_lossy(&first[start..]);
    let token = &token[token.find("eyJ").unwrap()..];
    for text in ["a", "b"] {
        publish(&emulator, text).await;
    }
    let message = |text: &str, id| {
        let data = field(3, &[&field(1, &[text.as_bytes()])]);
        field(2, &[&field(1, &[b"group"]), &field(2, &[b"g"]), &data, &number(4, id)])
    };
    assert_eq!(receive(&mut socket).await, message("a", 1));
    write(&mut socket, field(8, &[&number(1, 1)])).await;
    write(&mut socket, field(9, &[])).await;
    while receive(&mut socket).await != field(4, &[]) {}
    let id = emulator.webpubsub().connections("chat")[0].connection_id.clone();
    let target = format!("/client/hubs/chat?awps_connection_id={id}&awps_reconnection_token={token}");
    let mut again = open(&emulator, &target, Some(RELIABLE)).await.unwrap();
    assert_eq!(receive(&mut again).await[0], 3 << 3 | 2, "a system message");
    assert_eq!(receive(&mut again).await, message("b", 2));
}

#[tokio::test]
async fn a_frame_that_is_none_of_the_protocol_closes_the_connection() {
    let emulator = Emulator::start().await.unwrap();
    let no_data = field(1, &[&field(1, &[b"g"])]);
    let no_json = field(1, &[&[field(1, &[b"g"]), field(3, &[&field(4, &[b"{"])])].concat()]);
    let long_lived = field(1, &[&field(1, &[b"g"]), &field(3, &[&field(1, &[b"x"])]), &number(5, 301)]);
    let no_invocation_id = field(10, &[&field(1, &[b"order"])]);
    let bad_event = field(5, &[&field(1, &[b"1order"]), &field(2, &[&field(1, &[b"x"])])]);
    let binary = [vec![255], vec![], no_data, no_json, long_lived, no_invocation_id, bad_event];
    let frames = binary.into_iter().map(|frame| (Message::binary(frame), 1007));
    for (frame, code) in frames.chain([(Message::text("{}"), 1003)]) {
        let (mut socket, _) = connected(&emulator, member()).await;
        socket.send(frame.clone()).await.unwrap();
        match socket.next().await.unwrap().unwrap() {
            Message::Close(Some(close)) => assert_eq!(u16::from(close.code), code, "{frame:?}"),
            other => panic!("{frame:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_event_reaches_its_handler_and_the_response_is_delivered() {
    let (emulator, mut webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    emulator.webpubsub().event_handler("chat", webhook.handler(&[])).unwrap();
    let (mut socket, _) = connected(&emulator, member()).await;
    let any = field(3, &[&field(1, &[b"type.test/A"])]);
    write(&mut socket, field(5, &[&field(1, &[b"order"]), &field(2, &[&any]), &number(3, 1)])).await;
    let call = webhook.call().await;
    assert_eq!(call.header("content-type"), Some("application/x-protobuf"));
    assert_eq!((call.header("ce-subprotocol"), &call.body[..]), (Some(PROTOBUF), &any[2..]));
    call.respond(200, "Content-Type: text/plain\r\n", "ok");
    let response = field(2, &[&field(1, &[b"server"]), &field(3, &[&field(1, &[b"ok"])])]);
    assert_eq!(receive(&mut socket).await, response);
    assert_eq!(receive(&mut socket).await, ack(1));
}
