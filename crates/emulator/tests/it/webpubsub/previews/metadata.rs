//! Metadata: its limits, and where it travels.

use serde_json::{Value, json};
use service_emulator::Emulator;
use tokio_tungstenite::tungstenite::Message;

use super::{member, start};
use crate::common::http;
use crate::webpubsub::common::clients::{Client, VERSION, authorization};
use crate::webpubsub::common::reliable::{connect, recover};

fn send(metadata: &Value, data: Option<&str>) -> Value {
    let mut frame = json!({ "type": "sendToGroup", "group": "g", "ackId": 1, "metadata": metadata });
    if let Some(data) = data {
        frame["dataType"] = "text".into();
        frame["data"] = data.into();
    }
    frame
}

/// Sends a text through REST with these headers.
async fn rest(emulator: &Emulator, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let target = format!("/api/hubs/chat/{path}?{VERSION}");
    let authorization = authorization(emulator, &target);
    let own = [("Authorization", authorization.as_str()), ("Content-Type", "text/plain")];
    let headers: Vec<_> = own.into_iter().chain(headers.iter().copied()).collect();
    let response = http(emulator, "POST", &target, &headers, "hi").await;
    let body = if response.body.is_empty() { Value::Null } else { response.json() };
    (response.status, body)
}

#[tokio::test]
async fn metadata_reaches_the_group_with_its_keys_as_written_but_not_simple_clients() {
    let emulator = Emulator::start().await.unwrap();
    let mut sender = Client::json(&emulator, member("ann")).await;
    let mut simple = Client::simple(&emulator, json!({ "webpubsub.group": "g" }), "").await;
    sender.send_json(send(&json!({ "Trace": "a, b", "empty": "" }), Some("hi"))).await;
    let message = sender.frame().await;
    assert_eq!(message["metadata"], json!({ "Trace": "a, b", "empty": "" }));
    assert_eq!(
        (sender.frame().await["success"].clone(), simple.next().await),
        (json!(true), Message::text("hi"))
    );
    sender.send_json(send(&json!(null), Some("plain"))).await;
    assert_eq!(sender.frame().await["error"]["name"], "Duplicate");
}

#[tokio::test]
async fn a_frame_without_data_is_valid_with_metadata_and_then_an_empty_text() {
    let emulator = Emulator::start().await.unwrap();
    let mut sender = Client::json(&emulator, member("ann")).await;
    let mut simple = Client::simple(&emulator, json!({ "webpubsub.group": "g" }), "").await;
    sender.send_json(send(&json!({ "k": "v" }), None)).await;
    let message = sender.frame().await;
    assert_eq!((&message["dataType"], &message["data"]), (&json!("text"), &json!("")));
    assert_eq!(simple.next().await, Message::text(""));
    assert_eq!(sender.frame().await["success"], true);
    let mut empty = send(&json!({}), None);
    empty["ackId"] = 2.into();
    sender.send_json(empty).await;
    assert_eq!(sender.frame().await["data"], "", "an empty object counts as present");
    sender.frame().await;
    sender.send_json(send(&json!(null), None)).await;
    assert_eq!(sender.closed().await.0, 1007);
}

#[tokio::test]
async fn metadata_that_breaks_a_limit_closes_the_connection() {
    let emulator = Emulator::start().await.unwrap();
    let large: Value = (0..9).map(|number| (number.to_string(), json!("v".repeat(1_000)))).collect();
    for metadata in [
        json!({ "": "v" }),
        json!({ "a b": "v" }),
        json!({ "k": "é" }),
        json!({ "k": "v".repeat(1_025) }),
        json!({ "k".repeat(257): "v" }),
        json!({ "k": 1 }),
        json!({ "k": null }),
        json!(["k", "v"]),
        json!("k=v"),
        large,
    ] {
        let mut client = Client::json(&emulator, member("ann")).await;
        client.send_json(send(&metadata, Some("hi"))).await;
        assert_eq!(client.closed().await.0, 1007, "{metadata}");
    }
    let mut client = Client::json(&emulator, member("ann")).await;
    let twice =
        r#"{"type":"sendToGroup","group":"g","dataType":"text","data":"","metadata":{"k":"1","k":"2"}}"#;
    client.send(Message::text(twice)).await;
    assert_eq!(client.closed().await.0, 1007);
}

#[tokio::test]
async fn members_of_other_frames_are_ignored_whatever_they_contain() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, member("ann")).await;
    let frame = json!({
        "type": "joinGroup", "group": "h", "ackId": 1, "metadata": 1, "stream": 1, "state": 1, "error": 1,
        "streamSequenceId": "x", "invocationId": 1, "target": 1, "streamId": 1,
    });
    client.send_json(frame).await;
    assert_eq!(client.frame().await, super::success(1));
}

#[tokio::test]
async fn metadata_is_part_of_what_a_recovery_replays() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) = connect(&emulator, member("ann")).await;
    client.send_json(send(&json!({ "k": "v" }), Some("hi"))).await;
    let first = client.frame().await;
    let mut again = recover(&emulator, &client.id, &token).await;
    assert_eq!(again.frame().await, first);
    assert_eq!((&first["metadata"], &first["sequenceId"]), (&json!({ "k": "v" }), &json!(1)));
}

#[tokio::test]
async fn every_send_through_rest_takes_metadata_from_its_headers() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, member("ann")).await;
    let one = format!("connections/{}/:send", client.id);
    for path in [":send", "groups/g/:send", "users/ann/:send", &one] {
        let headers = [
            ("X-WebPubSub-Metadata-Trace", "old"),
            ("x-webpubsub-metadata-trace", "cut, new "),
            ("x-other", "1"),
        ];
        assert_eq!(rest(&emulator, path, &headers).await.0, 202);
        assert_eq!(client.frame().await["metadata"], json!({ "trace": "new" }), "{path}");
    }
    for bad in [("x-webpubsub-metadata-", "v"), ("x-webpubsub-metadata-k", "é")] {
        let (status, body) = rest(&emulator, ":send", &[bad]).await;
        assert_eq!(
            (status, &body["code"], &body["target"]),
            (400, &json!("Error.BadRequest"), &json!("Request"))
        );
    }
    client.assert_silent().await;
}

#[tokio::test]
async fn an_event_carries_metadata_to_its_handler_and_back() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    let event = |id: u64, metadata: Value| json!({ "type": "event", "event": "order", "ackId": id, "metadata": metadata });
    client.send_json(event(1, json!({ "Trace": "1", "trace": "2, 3" }))).await;
    let call = webhook.call().await;
    assert_eq!(call.header("x-webpubsub-metadata-trace"), Some("2, 3"), "the last of equal keys, uncut");
    assert_eq!((call.header("content-type"), call.body.len()), (Some("text/plain; charset=utf-8"), 0));
    let headers = "X-WebPubSub-Metadata-A: 1, 2\r\nx-webpubsub-metadata-: bare\r\n";
    call.respond(200, &format!("{headers}Content-Type: application/json\r\n"), "[1]");
    let message = json!({ "type": "message", "from": "server", "metadata": { "a": "2" }, "dataType": "json", "data": [1] });
    assert_eq!(client.frame().await, message);
    assert_eq!(client.frame().await, super::success(1));
    client.send_json(event(2, json!({}))).await;
    webhook.call().await.respond(204, headers, "");
    let empty = json!({ "type": "message", "from": "server", "metadata": { "a": "2" }, "dataType": "text", "data": "" });
    assert_eq!((client.frame().await, client.frame().await), (empty, super::success(2)));
    client.send_json(event(3, json!({}))).await;
    webhook.call().await.respond(400, headers, "");
    assert_eq!(super::error_name(&client.frame().await), "InternalServerError");
    client.send_json(event(3, json!({}))).await;
    webhook.call().await.respond(204, "", "");
    assert_eq!(client.frame().await, super::success(3), "no message without data and metadata");
}

#[tokio::test]
async fn metadata_that_no_header_can_carry_fails_the_event() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    client
        .send_json(json!({ "type": "event", "event": "order", "ackId": 1, "metadata": { "k": "a\nb" } }))
        .await;
    assert_eq!(super::error_name(&client.frame().await), "InternalServerError");
    webhook.assert_idle();
    client.send_json(json!({ "type": "event", "event": "order", "ackId": 1, "data": 1 })).await;
    let long = "v".repeat(1_025);
    webhook.call().await.respond(200, &format!("x-webpubsub-metadata-k: {long}\r\n"), "hi");
    assert_eq!(super::error_name(&client.frame().await), "InternalServerError", "nothing is delivered");
}

#[tokio::test]
async fn a_simple_client_receives_an_empty_text_for_metadata_alone() {
    let (emulator, mut webhook) = start().await;
    let mut simple = Client::simple(&emulator, json!({}), "").await;
    simple.send(Message::text("hi")).await;
    webhook.call().await.respond(204, "x-webpubsub-metadata-k: v\r\n", "");
    assert_eq!(simple.next().await, Message::text(""));
}
