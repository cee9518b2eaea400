//! Invocations: what the event handler receives, every kind of response, and cancellation.

use std::time::Duration;

use serde_json::{Value, json};
use service_emulator::webpubsub::{PreviewLimits, UserEvents};
use service_emulator::{Emulator, SocketFault};

use super::{error_name, member, start};
use crate::webpubsub::common::clients::Client;
use crate::webpubsub::common::reliable::{connect, recover};
use crate::webpubsub::common::webhook::{hooks, wait_for_hook};

fn invoke(id: &str) -> Value {
    json!({ "type": "invoke", "invocationId": id, "target": "event", "event": "sum", "dataType": "json", "data": [1, 2] })
}

#[tokio::test]
async fn the_handler_sees_a_user_event_and_its_response_is_correlated() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    for (content_type, body, data_type, data) in [
        ("application/json; charset=utf-8", "3", "json", json!(3)),
        ("text/plain", "three", "text", json!("three")),
        ("application/octet-stream", "abc", "binary", json!("YWJj")),
        ("application/x-protobuf", "abc", "protobuf", json!("YWJj")),
    ] {
        let mut frame = invoke("1");
        frame["metadata"] = json!({ "Trace": "7" });
        client.send_json(frame).await;
        let call = webhook.call().await;
        assert_eq!(
            (call.header("ce-type"), call.header("ce-eventname")),
            (Some("azure.webpubsub.user.sum"), Some("sum"))
        );
        assert_eq!(
            (call.header("content-type"), call.json()),
            (Some("application/json; charset=utf-8"), json!([1, 2]))
        );
        assert_eq!(call.header("x-webpubsub-metadata-trace"), Some("7"));
        call.respond(200, &format!("Content-Type: {content_type}\r\nx-webpubsub-metadata-B: c\r\n"), body);
        let response = json!({
            "type": "invokeResponse", "invocationId": "1", "success": true, "metadata": { "b": "c" },
            "dataType": data_type, "data": data,
        });
        assert_eq!(client.frame().await, response);
    }
}

#[tokio::test]
async fn an_empty_response_has_neither_data_nor_its_type() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    client
        .send_json(json!({ "type": "invoke", "invocationId": "a b", "target": "event", "event": "sum" }))
        .await;
    let call = webhook.call().await;
    assert_eq!((call.header("content-type"), call.body.len()), (Some("text/plain; charset=utf-8"), 0));
    call.accept();
    assert_eq!(
        client.frame().await,
        json!({ "type": "invokeResponse", "invocationId": "a b", "success": true })
    );
}

#[tokio::test]
async fn a_failure_says_nothing_of_what_the_handler_responded() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    let failed = json!({
        "type": "invokeResponse", "invocationId": "1", "success": false,
        "error": { "name": "InternalServerError", "message": "Internal server error" },
    });
    client.send_json(invoke("1")).await;
    webhook.call().await.respond(
        400,
        "x-webpubsub-metadata-a: secret\r\nContent-Type: text/plain\r\n",
        "secret",
    );
    assert_eq!(client.frame().await, failed);
    client.send_json(invoke("1")).await;
    webhook.call().await.respond(200, "Content-Type: application/json\r\n", "{");
    assert_eq!(client.frame().await, failed);
    client.send_json(invoke("1")).await;
    webhook.call().await.respond(200, "Content-Type: text/plain\r\n", &"x".repeat(1024 * 1024 + 1));
    assert_eq!(client.frame().await, failed);
    client.send_json(invoke("1")).await;
    webhook.fail_every_attempt(&emulator, |call| call.respond(503, "", "")).await;
    assert_eq!(client.frame().await, failed);
    emulator.webpubsub().clear_event_handlers("chat");
    let none = webhook.handler(&[]).user_events(UserEvents::Only(vec!["other".to_owned()]));
    emulator.webpubsub().event_handler("chat", none).unwrap();
    client.send_json(invoke("1")).await;
    assert_eq!(client.frame().await, failed, "no handler accepts it");
}

#[tokio::test]
async fn a_handler_that_does_not_respond_in_time_is_a_timeout() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    client.send_json(invoke("1")).await;
    let _call = webhook.call().await;
    emulator.clock().advance(Duration::from_secs(101));
    assert_eq!(error_name(&client.frame().await), "Timeout");
}

#[tokio::test]
async fn invocations_run_side_by_side_and_other_frames_do_not_wait_for_them() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    client.send_json(invoke("1")).await;
    let first = webhook.call().await;
    client.send_json(invoke("2")).await;
    let second = webhook.call().await;
    client.assert_silent().await;
    second.respond(200, "", "two");
    assert_eq!(client.frame().await["invocationId"], "2");
    first.respond(200, "", "one");
    assert_eq!(client.frame().await["invocationId"], "1");
}

#[tokio::test]
async fn a_cancellation_overtakes_aborts_the_call_and_leaves_no_response() {
    let (emulator, mut webhook) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    client.send_json(invoke("1")).await;
    let cancelled = webhook.call().await;
    client.send_json(json!({ "type": "cancelInvocation", "invocationId": "1" })).await;
    client.send_json(json!({ "type": "cancelInvocation", "invocationId": "unknown" })).await;
    wait_for_hook(&emulator, "POST sum").await;
    let (note, outcome) = hooks(&emulator).await.pop().unwrap();
    assert!(note.contains("attempt 1") && outcome == "gone", "{note} {outcome}");
    client.assert_silent().await;
    client.send_json(invoke("1")).await;
    webhook.call().await.respond(200, "Content-Type: text/plain\r\n", "again");
    assert_eq!(client.frame().await["data"], "again", "the id is free again");
    drop(cancelled);
}

#[tokio::test]
async fn invalid_invocations_are_rejected_or_close_the_connection() {
    let (emulator, mut webhook) = start().await;
    let mut limits = PreviewLimits::default();
    limits.open_invocations = 2;
    emulator.webpubsub().set_preview_limits(limits);
    let mut client = Client::json(&emulator, member("ann")).await;
    for (member, value) in
        [("target", json!("group")), ("target", json!(null)), ("event", json!("1 2")), ("event", json!(null))]
    {
        let mut frame = invoke("1");
        frame[member] = value;
        client.send_json(frame).await;
        assert_eq!(error_name(&client.frame().await), "BadRequest", "{member}");
    }
    client.send_json(invoke("1")).await;
    let call = webhook.call().await;
    client.send_json(invoke("1")).await;
    assert_eq!(error_name(&client.frame().await), "BadRequest", "the id is in use");
    client.send_json(invoke("2")).await;
    let other = webhook.call().await;
    client.send_json(invoke("3")).await;
    let frame = client.frame().await;
    assert_eq!((error_name(&frame), &frame["invocationId"]), ("BadRequest", &json!("3")), "too many");
    call.accept();
    assert_eq!(client.frame().await["success"], true, "the open one goes on");
    drop(other);
    for (member, value) in [
        ("invocationId", json!("")),
        ("invocationId", json!(null)),
        ("invocationId", json!(1)),
        ("dataType", json!(null)),
        ("data", json!(null)),
        ("dataType", json!("binary")),
        ("stream", json!({ "streamId": "s" })),
        ("metadata", json!({ "k": 1 })),
    ] {
        let mut client = Client::json(&emulator, member_of_none()).await;
        let mut frame = invoke("1");
        frame[member] = value;
        client.send_json(frame.clone()).await;
        assert_eq!(client.closed().await.0, 1007, "{frame}");
    }
}

fn member_of_none() -> Value {
    json!({ "sub": "ann" })
}

#[tokio::test]
async fn no_response_is_replayed_after_a_recovery() {
    let (emulator, mut webhook) = start().await;
    let (mut client, token) = connect(&emulator, member("ann")).await;
    client.send_json(invoke("1")).await;
    let call = webhook.call().await;
    let mut again = recover(&emulator, &client.id, &token).await;
    wait_for_hook(&emulator, "POST sum").await;
    drop(call);
    again.assert_silent().await;
    again.send_json(invoke("1")).await;
    webhook.call().await.accept();
    assert_eq!(again.frame().await["success"], true);
}

#[tokio::test]
async fn a_late_response_comes_in_moved_time_even_after_a_cancellation() {
    let (emulator, mut webhook): (Emulator, _) = start().await;
    let mut client = Client::json(&emulator, member("ann")).await;
    emulator.faults().push_socket(SocketFault::delay_invoke_response(Duration::from_secs(3600)).hub("chat"));
    client.send_json(invoke("1")).await;
    webhook.call().await.accept();
    while emulator.faults().pending() > 0 {
        tokio::task::yield_now().await;
    }
    client.send_json(json!({ "type": "cancelInvocation", "invocationId": "1" })).await;
    client.assert_silent().await;
    emulator.clock().advance(Duration::from_secs(3601));
    assert_eq!(client.frame().await["success"], true);
}
