//! User events, to which an event handler responds, and the events of which it is notified.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use service_emulator::webpubsub::{SystemEvent, UserEvents};
use service_emulator::{Emulator, SocketFault};
use tokio_tungstenite::tungstenite::Message;

use super::common::clients::{Client, rest};
use super::common::reliable::{connect, lose, recover};
use super::common::webhook::{Webhook, hooks, wait_for_hook};

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
        assert_eq!(call.header("ce-userid"), Some("ännë"));
        assert_eq!(call.header("ce-id").unwrap(), (id + 1).to_string(), "0 and 1 are reserved");
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
        (4, "application/x-protobuf", "abc", "protobuf", json!("YWJj")),
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
    use SystemEvent::{Connect, Connected, Disconnected};
    let (emulator, mut webhook) = start(&[Connect, Connected, Disconnected]).await;
    let (mut client, ()) = tokio::join!(Client::json(&emulator, json!({})), async {
        webhook.call().await.respond(204, "ce-connectionState: one\r\nSet-Cookie: a=1; Path=/\r\n", "");
    });
    let connected = webhook.call().await;
    assert_eq!(
        (connected.header("ce-connectionstate"), connected.header("cookie")),
        (Some("one"), Some("a=1"))
    );
    // The state of a response to a notification is ignored.
    connected.respond(200, "ce-connectionState: other\r\nSet-Cookie: n=1; Path=/\r\n", "");
    wait_for_hook(&emulator, "connected").await;
    for (seen, cookies, next) in [
        (
            "one",
            "a=1; n=1",
            "ce-connectionState: two\r\nSet-Cookie: b=2; Max-Age=60\r\nSet-Cookie: a=3; Path=/\r\n",
        ),
        ("two", "b=2; a=3; n=1", "Set-Cookie: n=; Path=/; Max-Age=0\r\n"),
    ] {
        client.send_json(event("text", &json!(seen), seen.len() as u64 + u64::from(seen == "two"))).await;
        let call = webhook.call().await;
        assert_eq!((call.header("ce-connectionstate"), call.header("cookie")), (Some(seen), Some(cookies)));
        call.respond(200, next, "");
        client.frame().await;
    }
    emulator.clock().advance(Duration::from_secs(61));
    client.send_json(event("text", &json!("x"), 9)).await;
    let call = webhook.call().await;
    assert_eq!(call.header("cookie"), Some("a=3"));
    call.respond(404, "ce-connectionState: three\r\nSet-Cookie: c=4; Path=/\r\n", "");
    assert_eq!(client.frame().await["success"], false);
    client.socket.close(None).await.unwrap();
    let last = webhook.call().await;
    assert_eq!((last.header("ce-connectionstate"), last.header("cookie")), (Some("two"), Some("a=3")));
}

#[tokio::test]
async fn events_are_numbered_from_connect_to_disconnected() {
    use SystemEvent::{Connect, Connected, Disconnected};
    let (emulator, mut webhook) = start(&[Connect, Connected, Disconnected]).await;
    let (mut client, ()) =
        tokio::join!(Client::json(&emulator, json!({})), async { webhook.call().await.accept() });
    let connected = webhook.call().await;
    // Sent while the response to `connected` is missing.
    client.send_json(event("text", &json!("x"), 1)).await;
    let user = webhook.call().await;
    client.socket.close(None).await.unwrap();
    assert_eq!((connected.header("ce-id"), user.header("ce-id")), (Some("1"), Some("2")));
    connected.accept();
    user.accept();
    let disconnected = webhook.call().await;
    assert_eq!(disconnected.header("ce-type"), Some("azure.webpubsub.sys.disconnected"));
    assert_eq!(disconnected.header("ce-id"), Some("3"));
}

#[tokio::test]
async fn a_handler_that_fails_leaves_the_client_of_a_subprotocol_connected() {
    let (emulator, mut webhook) = start(&[]).await;
    let mut client = Client::json(&emulator, json!({})).await;
    let large = "x".repeat(16 * 1024 * 1024 + 1);
    for (status, headers, body) in [
        (404, "", ""),
        (429, "Retry-After: 1\r\n", ""),
        (302, "Location: /other\r\n", ""),
        (200, "Content-Type: application/json\r\n", "{"),
        (200, "Content-Type: text/plain\r\n", large.as_str()),
    ] {
        client.send_json(event("json", &json!(1), 1)).await;
        webhook.call().await.respond(status, headers, body);
        let error = json!({ "name": "InternalServerError", "message": "Internal server error" });
        assert_eq!(
            client.frame().await,
            json!({ "type": "ack", "ackId": 1, "success": false, "error": error }),
            "{status}"
        );
        client.assert_silent().await;
        webhook.assert_idle();
    }
    // The id of a failed event is not remembered.
    client.send_json(event("json", &json!(1), 1)).await;
    webhook.call().await.accept();
    assert_eq!(client.frame().await["success"], true);
    // Without an ackId, the client is not notified.
    client.send_json(json!({ "type": "event", "event": "order", "data": 1 })).await;
    webhook.call().await.respond(404, "", "");
    client.assert_silent().await;
}

#[tokio::test]
async fn a_response_of_several_megabytes_is_delivered() {
    let (emulator, mut webhook) = start(&[]).await;
    let mut client = Client::json(&emulator, json!({})).await;
    client.send_json(event("json", &json!(1), 1)).await;
    webhook.call().await.respond(200, "Content-Type: text/plain\r\n", &"x".repeat(8 * 1024 * 1024));
    assert_eq!(client.frame().await["data"].as_str().map(str::len), Some(8 * 1024 * 1024));
}

#[tokio::test]
async fn a_call_that_fails_is_repeated_with_the_same_ids() {
    let (emulator, mut webhook) = start(&[]).await;
    let mut client = Client::json(&emulator, json!({})).await;
    client.send_json(event("json", &json!(7), 1)).await;
    let (mut same, mut times) = (Vec::new(), Vec::new());
    for (attempt, status, pause) in [(1, 503, 1), (2, 408, 3), (3, 0, 5), (4, 204, 0)] {
        let call = webhook.call().await;
        times.push(emulator.clock().now());
        let ids =
            ["ce-id", "x-ms-client-request-id", "ce-time"].map(|name| call.header(name).unwrap().to_owned());
        same.push((ids, call.body.clone()));
        if status == 0 {
            drop(call);
        } else {
            call.respond(status, "Set-Cookie: a=1\r\n", "");
        }
        wait_for_hook(&emulator, &format!("attempt {attempt}")).await;
        emulator.clock().advance(Duration::from_secs(pause));
    }
    same.dedup();
    assert_eq!((same.len(), same[0].1.as_slice()), (1, &b"7"[..]));
    for (pair, pause) in times.windows(2).zip([1, 3, 5]) {
        assert!(pair[1].duration_since(pair[0]).unwrap() >= Duration::from_secs(pause), "{pause}");
    }
    assert_eq!(client.frame().await, json!({ "type": "ack", "ackId": 1, "success": true }));
    let named = |attempt: u32| format!("POST order, connection {}, attempt {attempt}", client.id);
    let log: Vec<_> = hooks(&emulator).await.split_off(1);
    let outcomes: Vec<_> = log.iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["503", "408", "gone", "204"]);
    assert_eq!((&log[0].0, &log[1].0, &log[3].0), (&named(1), &named(2), &named(4)));
    assert!(log[2].0.starts_with(&(named(3) + " (the connection broke: ")), "{}", log[2].0);
    // The next event has other ids.
    client.send_json(event("json", &json!(7), 2)).await;
    let call = webhook.call().await;
    assert_eq!(call.header("ce-id"), Some("3"));
    assert_ne!(call.header("x-ms-client-request-id"), Some(same[0].0[1].as_str()));
}

#[tokio::test]
async fn a_call_that_keeps_failing_fails_its_event_after_four_attempts() {
    let (emulator, mut webhook) = start(&[]).await;
    let mut client = Client::json(&emulator, json!({})).await;
    client.send_json(event("json", &json!(1), 1)).await;
    webhook.fail_every_attempt(&emulator, |call| call.respond(503, "", "")).await;
    assert_eq!(client.frame().await["error"]["name"], "InternalServerError");
    client.assert_silent().await;
    webhook.assert_idle();
}

#[tokio::test]
async fn a_notification_is_repeated_like_other_events() {
    let (emulator, mut webhook) = start(&[SystemEvent::Connected, SystemEvent::Disconnected]).await;
    let mut client = Client::json(&emulator, json!({})).await;
    let id = webhook.fail_every_attempt(&emulator, |call| call.respond(500, "", "")).await;
    assert_eq!(id, "1");
    client.assert_silent().await;
    client.socket.close(None).await.unwrap();
    assert_eq!(webhook.take().await.0, "azure.webpubsub.sys.disconnected");
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
    webhook.call().await.respond(400, "", "");
    assert_eq!(client.closed().await, (1011, "Internal server error".to_owned()));
    emulator.webpubsub().clear_event_handlers("chat");
    let mut client = Client::simple(&emulator, json!({}), "").await;
    client.send(Message::text("x")).await;
    assert_eq!(client.closed().await, (1011, "Internal server error".to_owned()), "no handler");
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
        call.respond(400, "", "");
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
async fn an_event_that_no_handler_accepts_is_an_error_of_its_sender_and_logged() {
    let emulator = Emulator::start().await.unwrap();
    let mut webhook = Webhook::start().await;
    emulator.webpubsub().event_handler("chat", webhook.handler(&[]).user_events(UserEvents::None)).unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    client.send_json(event("text", &json!("x"), 1)).await;
    let ack = client.frame().await;
    assert_eq!((&ack["success"], &ack["error"]["name"]), (&json!(false), &json!("InternalServerError")));
    client.assert_silent().await;
    webhook.assert_idle();
    let note = format!("order, connection {} (no event handler accepts it)", client.id);
    assert_eq!(hooks(&emulator).await, [(note, "none".to_owned())]);
}
