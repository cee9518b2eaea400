//! User events, to which an event handler responds, and the events of which it is notified.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use service_emulator::webpubsub::{SystemEvent, UserEvents};
use service_emulator::{Emulator, SocketFault};
use tokio_tungstenite::tungstenite::Message;

use super::common::clients::{Client, rest};
use super::common::reliable::{connect, lose, recover};
use super::common::webhook::Webhook;

async fn start(system: &[SystemEvent]) -> (Emulator, Webhook) {
    let (emulator, webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    emulator.webpubsub().event_handler("chat", webhook.handler(system)).unwrap();
    (emulator, webhook)
}

fn event(data_type: &str, data: &Value, id: u64) -> Value {
    json!({ "type": "event", "event": "order", "dataType": data_type, "data": data, "ackId": id })
}

#[tokio::test]
async fn an_event_reaches_the_handler_in_its_type_and_is_acknowledged_once_it_has_responded() {
    let (emulator, mut webhook) = start(&[]).await;
    let mut client = Client::json(&emulator, json!({ "sub": "ännë" })).await;
    for (id, data_type, data, content_type, body) in [
        (1, "text", json!("é"), "text/plain; charset=utf-8", "é".as_bytes()),
        (2, "json", json!({ "a": 1 }), "application/json; charset=utf-8", br#"{"a":1}"#),
        (3, "binary", json!("AQID"), "application/octet-stream", &[1, 2, 3]),
        (4, "protobuf", json!("CgA="), "application/x-protobuf", &[10, 0]),
    ] {
        client.send_json(event(data_type, &data, id)).await;
        let call = webhook.call().await;
        assert_eq!((call.header("content-type"), call.body.as_slice()), (Some(content_type), body));
        assert_eq!(call.header("ce-type"), Some("azure.webpubsub.user.order"));
        assert_eq!(
            (call.header("ce-eventname"), call.target.as_str()),
            (Some("order"), "/hubs/chat/order?code=x")
        );
        assert_eq!(call.header("ce-subprotocol"), Some("json.webpubsub.azure.v1"));
        assert_eq!(call.header("ce-userid"), Some("%C3%A4nn%C3%AB"));
        assert_eq!(call.header("ce-id").unwrap(), id.to_string());
        client.send_json(json!({ "type": "ping" })).await;
        assert!(client.socket.next().now_or_never().is_none(), "later frames wait too");
        call.accept();
        assert_eq!(client.frame().await, json!({ "type": "ack", "ackId": id, "success": true }));
        assert_eq!(client.frame().await["type"], "pong");
    }
    assert_eq!(webhook.checks(), 1);
}

#[tokio::test]
async fn the_handlers_response_goes_to_the_client_in_its_type() {
    let (emulator, mut webhook) = start(&[]).await;
    let (mut client, _) = connect(&emulator, json!({})).await;
    let mut other = Client::json(&emulator, json!({})).await;
    for (id, content_type, body, data_type, data) in [
        (1, "text/plain", "hi", "text", json!("hi")),
        (2, "application/json", "[1]", "json", json!([1])),
        (3, "image/png", "abc", "binary", json!("YWJj")),
    ] {
        client.send_json(event("json", &json!(1), id)).await;
        webhook.call().await.respond(200, &format!("Content-Type: {content_type}\r\n"), body);
        let message = json!({ "type": "message", "from": "server", "sequenceId": id, "dataType": data_type, "data": data });
        assert_eq!(client.frame().await, message);
        assert_eq!(client.frame().await["ackId"], id);
    }
    other.assert_silent().await;
}

#[tokio::test]
async fn state_and_cookies_come_back_with_the_next_event() {
    let (emulator, mut webhook) = start(&[SystemEvent::Connect, SystemEvent::Disconnected]).await;
    let (mut client, ()) = tokio::join!(Client::json(&emulator, json!({})), async {
        webhook.call().await.respond(204, "ce-connectionState: one\r\nSet-Cookie: a=1; Path=/\r\n", "");
    });
    for (seen, cookies, next) in [
        ("one", "a=1", "ce-connectionState: two\r\nSet-Cookie: b=2\r\nSet-Cookie: a=3\r\n"),
        ("two", "b=2; a=3", ""),
    ] {
        client.send_json(event("text", &json!(seen), seen.len() as u64 + u64::from(seen == "two"))).await;
        let call = webhook.call().await;
        assert_eq!((call.header("ce-connectionstate"), call.header("cookie")), (Some(seen), Some(cookies)));
        call.respond(200, next, "");
        client.frame().await;
    }
    client.socket.close(None).await.unwrap();
    assert_eq!(webhook.call().await.header("ce-connectionstate"), Some("two"));
}

#[tokio::test]
async fn a_handler_that_fails_ends_the_connection_behind_the_ack() {
    let (emulator, mut webhook) = start(&[]).await;
    for (status, headers, body) in
        [(500, "", ""), (404, "", ""), (200, "Content-Type: application/json\r\n", "{")]
    {
        let mut client = Client::json(&emulator, json!({})).await;
        client.send_json(event("json", &json!(1), 1)).await;
        webhook.call().await.respond(status, headers, body);
        let ack = client.frame().await;
        assert_eq!((&ack["success"], &ack["error"]["name"]), (&json!(false), &json!("InternalServerError")));
        assert_eq!(client.frame().await["event"], "disconnected");
        assert_eq!(client.closed().await.0, 1011);
    }
    emulator.webpubsub().wait_for_connections("chat", 0).await;
}

#[tokio::test]
async fn a_simple_clients_frames_are_the_event_message() {
    let (emulator, mut webhook) = start(&[]).await;
    let mut client = Client::simple(&emulator, json!({ "sub": "ann" }), "").await;
    for (frame, content_type, body) in [
        (Message::text("{}"), "text/plain; charset=utf-8", &b"{}"[..]),
        (Message::binary(vec![1]), "application/octet-stream", &[1]),
    ] {
        client.send(frame).await;
        let call = webhook.call().await;
        assert_eq!(call.header("ce-type"), Some("azure.webpubsub.user.message"));
        assert_eq!((call.header("content-type"), call.body.as_slice()), (Some(content_type), body));
        assert_eq!(call.header("ce-subprotocol"), None);
        call.respond(200, "Content-Type: application/json\r\n", "[1]");
        assert_eq!(client.next().await, Message::text("[1]"));
    }
    client.send(Message::text("x")).await;
    webhook.call().await.respond(500, "", "");
    assert_eq!(client.closed().await.0, 1011);
}

#[tokio::test]
async fn the_events_of_a_connection_are_sent_in_order_and_block_no_one() {
    use SystemEvent::{Connected, Disconnected, GroupJoined, GroupLeft};
    let (emulator, mut webhook) = start(&[Connected, Disconnected, GroupJoined, GroupLeft]).await;
    let claims = json!({ "sub": "ann", "webpubsub.group": "g", "role": "webpubsub.joinLeaveGroup" });
    let mut client = Client::json(&emulator, claims).await;
    client.send_json(json!({ "type": "joinGroup", "group": "h", "ackId": 1 })).await;
    client.send_json(json!({ "type": "joinGroup", "group": "h", "ackId": 2 })).await;
    client.send_json(json!({ "type": "leaveGroup", "group": "g", "ackId": 3 })).await;
    for id in 1..=3 {
        assert_eq!(client.frame().await["ackId"], id, "no event has a response yet");
    }
    rest(&emulator, "DELETE", "users/ann/groups").await;
    rest(&emulator, "DELETE", &format!("connections/{}?reason=bye", client.id)).await;
    let group = |kind: &str, group: &str| (format!("azure.webpubsub.gp.{kind}"), json!({ "group": group }));
    let system = |kind: &str, body: Value| (format!("azure.webpubsub.sys.{kind}"), body);
    for expected in [
        system("connected", json!({})),
        group("joined", "g"),
        group("joined", "h"),
        group("left", "g"),
        group("left", "h"),
        system("disconnected", json!({ "reason": "bye" })),
    ] {
        let call = webhook.call().await;
        webhook.assert_idle();
        let named = call.header("ce-eventname").is_some();
        assert_eq!(named, expected.0.contains(".sys."), "events of groups have no name");
        assert_eq!((call.header("ce-type").unwrap().to_owned(), call.json()), expected);
        call.respond(500, "", "");
    }
}

#[tokio::test]
async fn the_end_of_a_lost_connection_is_sent_when_it_is_given_up() {
    let (emulator, mut webhook) = start(&[SystemEvent::Disconnected]).await;
    let (client, token) = connect(&emulator, json!({})).await;
    let id = lose(&emulator, client).await;
    let client = recover(&emulator, &id, &token).await;
    lose(&emulator, client).await;
    webhook.assert_idle();
    let event = tokio::join!(webhook.take(), async {
        while !emulator.webpubsub().connections("chat").is_empty() {
            emulator.clock().advance(Duration::from_secs(31));
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(event.0, ("azure.webpubsub.sys.disconnected".to_owned(), json!({ "reason": "" })));
}

#[tokio::test]
async fn an_event_that_is_under_way_is_not_sent_again_after_a_recovery() {
    let (emulator, mut webhook) = start(&[]).await;
    let (mut client, token) = connect(&emulator, json!({})).await;
    client.send_json(event("text", &json!("x"), 7)).await;
    let call = webhook.call().await;
    let mut again = recover(&emulator, &client.id, &token).await;
    again.send_json(event("text", &json!("x"), 7)).await;
    assert!(again.socket.next().now_or_never().is_none());
    call.accept();
    assert_eq!(again.frame().await["error"]["name"], "Duplicate");
    webhook.assert_idle();
}

#[tokio::test]
async fn an_event_is_carried_out_and_its_connection_dropped_before_the_ack() {
    let (emulator, mut webhook) = start(&[]).await;
    let (mut client, token) = connect(&emulator, json!({})).await;
    emulator.faults().push_socket(SocketFault::drop_connection().after_processing());
    client.send_json(event("text", &json!("x"), 7)).await;
    webhook.call().await.accept();
    assert!(!matches!(client.socket.next().await, Some(Ok(_))));
    let mut client = recover(&emulator, &client.id, &token).await;
    client.send_json(event("text", &json!("x"), 7)).await;
    assert_eq!(client.frame().await["error"]["name"], "Duplicate");
}

#[tokio::test]
async fn an_event_that_no_handler_takes_is_acknowledged() {
    let emulator = Emulator::start().await.unwrap();
    let mut webhook = Webhook::start().await;
    emulator.webpubsub().event_handler("chat", webhook.handler(&[]).user_events(UserEvents::None)).unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    client.send_json(event("text", &json!("x"), 1)).await;
    assert_eq!(client.frame().await["success"], true);
    webhook.assert_idle();
}
