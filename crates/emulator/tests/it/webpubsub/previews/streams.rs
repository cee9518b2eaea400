//! Group streams: every row of the service's rules, the end of streams with their connections, and faults.

use std::time::Duration;

use serde_json::{Value, json};
use service_emulator::webpubsub::PreviewLimits;
use service_emulator::{Emulator, SocketFault, StreamNack};
use tokio_tungstenite::tungstenite::Message;

use super::{error_name, member, success};
use crate::webpubsub::common::clients::{Client, rest};
use crate::webpubsub::common::reliable::{connect, lose, recover};

fn start(id: &str) -> Value {
    json!({ "type": "sendToGroup", "group": "g", "noEcho": true, "stream": { "streamId": id } })
}

fn data(id: &str, number: u64) -> Value {
    json!({ "type": "streamData", "streamId": id, "streamSequenceId": number, "dataType": "text", "data": number.to_string() })
}

fn keep_alive(id: &str) -> Value {
    json!({ "type": "streamData", "streamId": id })
}

fn end(id: &str) -> Value {
    json!({ "type": "streamEnd", "streamId": id })
}

fn ack(id: &str, expected: u64) -> Value {
    json!({ "type": "streamAck", "streamId": id, "expectedSequenceId": expected })
}

fn closed(id: &str) -> Value {
    json!({ "type": "streamClosed", "streamId": id })
}

/// A fragment without the sequence number of its connection.
fn fragment(id: &str, number: u64) -> Value {
    json!({
        "type": "message", "from": "group", "group": "g", "fromUserId": "ann", "dataType": "text",
        "data": number.to_string(), "stream": { "streamId": id, "streamSequenceId": number },
    })
}

/// The last message of a stream.
fn terminal(id: &str, number: u64) -> Value {
    let mut message = fragment(id, number);
    message["data"] = "".into();
    message["stream"]["endOfStream"] = true.into();
    message
}

/// The number and the error's name in the last message of a stream.
fn terminal_error(frame: &Value) -> (u64, &str) {
    assert_eq!((&frame["dataType"], &frame["data"]), (&json!("text"), &json!("")), "{frame}");
    assert_eq!(frame["stream"]["endOfStream"], true, "{frame}");
    (frame["stream"]["streamSequenceId"].as_u64().unwrap(), error_name(&frame["stream"]))
}

async fn pair() -> (Emulator, Client, Client) {
    let emulator = Emulator::start().await.unwrap();
    let publisher = Client::json(&emulator, member("ann")).await;
    let subscriber = Client::json(&emulator, member("bob")).await;
    (emulator, publisher, subscriber)
}

async fn open(publisher: &mut Client, id: &str) {
    publisher.send_json(start(id)).await;
    assert_eq!(publisher.frame().await, ack(id, 1));
}

#[tokio::test]
async fn a_stream_is_accepted_published_and_ended_in_order() {
    let (emulator, mut publisher, mut subscriber) = pair().await;
    let mut simple = Client::simple(&emulator, json!({ "webpubsub.group": "g" }), "").await;
    open(&mut publisher, "s").await;
    for number in 1..=3 {
        publisher.send_json(data("s", number)).await;
        assert_eq!(publisher.frame().await, ack("s", number + 1));
        assert_eq!(subscriber.frame().await, fragment("s", number));
        assert_eq!(simple.next().await, Message::text(number.to_string()));
    }
    let [stream] = &emulator.webpubsub().streams("chat")[..] else { panic!("one stream") };
    assert_eq!((&*stream.stream_id, &*stream.group, stream.expected_sequence_id), ("s", "g", 4));
    assert_eq!(stream.connection_id, publisher.id);
    publisher.send_json(end("s")).await;
    assert_eq!(publisher.frame().await, closed("s"));
    assert_eq!(subscriber.frame().await, terminal("s", 4));
    assert!(emulator.webpubsub().streams("chat").is_empty());
    open(&mut publisher, "s").await;
    rest(&emulator, "POST", "groups/g/:send").await;
    assert_eq!(simple.next().await, Message::text(""), "the end of a stream has no payload for it");
    publisher.frame().await;
    publisher.assert_silent().await;
}

#[tokio::test]
async fn without_no_echo_a_member_receives_its_own_stream() {
    let (_emulator, mut publisher, _) = pair().await;
    let mut frame = start("s");
    frame["noEcho"] = false.into();
    publisher.send_json(frame).await;
    assert_eq!(publisher.frame().await, ack("s", 1));
    publisher.send_json(data("s", 1)).await;
    assert_eq!((publisher.frame().await, publisher.frame().await), (fragment("s", 1), ack("s", 2)));
    publisher.send_json(end("s")).await;
    assert_eq!((publisher.frame().await, publisher.frame().await), (terminal("s", 2), closed("s")));
}

#[tokio::test]
async fn duplicates_are_acknowledged_and_gaps_rejected_without_being_published() {
    let (_emulator, mut publisher, mut subscriber) = pair().await;
    open(&mut publisher, "s").await;
    publisher.send_json(data("s", 1)).await;
    assert_eq!(publisher.frame().await, ack("s", 2));
    publisher.send_json(data("s", 1)).await;
    assert_eq!(publisher.frame().await, ack("s", 2));
    publisher.send_json(data("s", 3)).await;
    let nack = publisher.frame().await;
    assert_eq!((&nack["type"], &nack["name"]), (&json!("streamNack"), &json!("InvalidSequenceId")));
    assert_eq!((&nack["streamId"], &nack["expectedSequenceId"]), (&json!("s"), &json!(2)));
    publisher.send_json(data("s", 2)).await;
    assert_eq!(publisher.frame().await, ack("s", 3), "the stream stays open");
    publisher.send_json(data("s", 9)).await;
    publisher.frame().await;
    publisher.send_json(end("s")).await;
    assert_eq!(publisher.frame().await, closed("s"), "an end after a gap is accepted");
    for expected in [fragment("s", 1), fragment("s", 2), terminal("s", 3)] {
        assert_eq!(subscriber.frame().await, expected);
    }
}

#[tokio::test]
async fn streams_are_independent_and_belong_to_their_connection() {
    let (_emulator, mut publisher, mut other) = pair().await;
    for id in ["a", "b"] {
        open(&mut publisher, id).await;
    }
    publisher.send_json(data("b", 1)).await;
    publisher.send_json(data("a", 1)).await;
    assert_eq!((publisher.frame().await, publisher.frame().await), (ack("b", 2), ack("a", 2)));
    assert_eq!((other.frame().await, other.frame().await), (fragment("b", 1), fragment("a", 1)));
    for frame in [data("a", 2), keep_alive("a"), end("a")] {
        other.send_json(frame).await;
        let frame = other.frame().await;
        assert_eq!((&frame["type"], error_name(&frame)), (&json!("streamClosed"), "StreamNotFound"));
    }
    open(&mut other, "a").await;
    let mut late = Client::json(&_emulator, member("eve")).await;
    publisher.send_json(data("a", 2)).await;
    assert_eq!(late.frame().await, fragment("a", 2), "a member that joins late");
}

#[tokio::test]
async fn the_error_of_the_publisher_reaches_the_subscribers() {
    let (_emulator, mut publisher, mut subscriber) = pair().await;
    for (error, expected) in [
        (
            json!({ "message": "m", "userErrorCode": "E1" }),
            json!({ "name": "UserError", "message": "m", "userErrorCode": "E1" }),
        ),
        (json!({ "name": "ignored" }), json!({ "name": "UserError" })),
    ] {
        open(&mut publisher, "s").await;
        let mut frame = end("s");
        frame["error"] = error;
        publisher.send_json(frame).await;
        assert_eq!(publisher.frame().await, closed("s"), "not an error of the service");
        assert_eq!(subscriber.frame().await["stream"]["error"], expected);
    }
}

#[tokio::test]
async fn a_start_is_rejected_without_the_role_or_with_invalid_members() {
    let (emulator, mut publisher, mut subscriber) = pair().await;
    let mut limits = PreviewLimits::default();
    limits.stream_idle_timeout = Duration::from_secs(60);
    emulator.webpubsub().set_preview_limits(limits);
    let mut outsider = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    let mut frame = start("s");
    frame["ackId"] = 1.into();
    outsider.send_json(frame).await;
    let frame = outsider.frame().await;
    assert_eq!((&frame["type"], error_name(&frame)), (&json!("streamClosed"), "Forbidden"));
    assert_eq!(error_name(&outsider.frame().await), "Forbidden", "an ack in addition");
    for (member, value) in [
        ("data", json!("x")),
        ("dataType", json!("text")),
        ("group", json!(" ")),
        ("stream", json!({ "streamId": "s", "idleTimeoutMs": 0 })),
        ("stream", json!({ "streamId": "s", "idleTimeoutMs": 60_001 })),
        ("stream", json!({ "streamId": "s".repeat(1_025), "idleTimeoutMs": 1_000 })),
    ] {
        let mut frame = start("s");
        frame["stream"]["idleTimeoutMs"] = 1_000.into();
        frame[member] = value;
        publisher.send_json(frame.clone()).await;
        let reply = publisher.frame().await;
        assert_eq!((&reply["type"], error_name(&reply)), (&json!("streamClosed"), "BadRequest"), "{frame}");
    }
    subscriber.assert_silent().await;
    assert!(emulator.webpubsub().streams("chat").is_empty());
}

#[tokio::test]
async fn a_connection_has_a_limited_number_of_streams_and_a_start_can_be_acknowledged() {
    let (emulator, mut publisher, _) = pair().await;
    let mut limits = PreviewLimits::default();
    limits.open_streams = 1;
    emulator.webpubsub().set_preview_limits(limits);
    let mut frame = start("a");
    frame["ackId"] = 7.into();
    publisher.send_json(frame).await;
    assert_eq!((publisher.frame().await, publisher.frame().await), (ack("a", 1), success(7)));
    publisher.send_json(start("b")).await;
    assert_eq!(error_name(&publisher.frame().await), "BadRequest");
    publisher.send_json(data("a", 1)).await;
    assert_eq!(publisher.frame().await, ack("a", 2));
}

#[tokio::test]
async fn an_id_that_is_in_use_ends_both() {
    let (_emulator, mut publisher, mut subscriber) = pair().await;
    open(&mut publisher, "s").await;
    publisher.send_json(start("s")).await;
    assert_eq!(error_name(&publisher.frame().await), "BadRequest");
    assert_eq!(terminal_error(&subscriber.frame().await), (1, "Cancelled"));
    publisher.send_json(data("s", 1)).await;
    assert_eq!(error_name(&publisher.frame().await), "StreamNotFound");
}

#[tokio::test]
async fn an_incomplete_fragment_and_the_number_zero_end_the_stream() {
    let (_emulator, mut publisher, mut subscriber) = pair().await;
    for member in ["streamSequenceId", "dataType", "data", ""] {
        open(&mut publisher, "s").await;
        let mut frame = data("s", u64::from(!member.is_empty()));
        frame.as_object_mut().unwrap().remove(member);
        publisher.send_json(frame).await;
        let reply = publisher.frame().await;
        assert_eq!((&reply["type"], error_name(&reply)), (&json!("streamClosed"), "BadRequest"), "{member}");
        assert_eq!(terminal_error(&subscriber.frame().await), (1, "Cancelled"));
    }
}

#[tokio::test]
async fn invalid_frames_close_the_connection() {
    let emulator = Emulator::start().await.unwrap();
    let stream = |value: Value| {
        let mut frame = start("s");
        frame["stream"] = value;
        frame
    };
    let with = |mut frame: Value, member: &str, value: Value| {
        frame[member] = value;
        frame
    };
    for frame in [
        start(""),
        stream(json!({})),
        stream(json!("s")),
        stream(json!({ "streamId": 1 })),
        stream(json!({ "streamId": "s", "idleTimeoutMs": -1 })),
        with(start("s"), "metadata", json!({ "k": 1 })),
        with(start("s"), "ttlSeconds", json!(301)),
        data("", 1),
        keep_alive(""),
        end(""),
        json!({ "type": "streamData" }),
        json!({ "type": "streamEnd" }),
        with(data("s", 1), "streamSequenceId", json!("1")),
        with(data("s", 1), "dataType", json!("unknown")),
        with(end("s"), "error", json!("E1")),
        json!({ "type": "event", "event": "e", "data": 1, "stream": { "streamId": "s" } }),
    ] {
        let mut client = Client::json(&emulator, member("ann")).await;
        client.send_json(frame.clone()).await;
        assert_eq!(client.closed().await.0, 1007, "{frame}");
    }
}

#[tokio::test]
async fn an_idle_stream_ends_at_both_ends() {
    let (emulator, mut publisher, mut subscriber) = pair().await;
    open(&mut publisher, "s").await;
    let mut frame = start("short");
    frame["stream"]["idleTimeoutMs"] = 1_000.into();
    publisher.send_json(frame).await;
    assert_eq!(publisher.frame().await, ack("short", 1));
    emulator.clock().advance(Duration::from_secs(2));
    let reply = publisher.frame().await;
    assert_eq!((&reply["type"], &reply["streamId"]), (&json!("streamClosed"), &json!("short")));
    assert_eq!(error_name(&reply), "IdleTimeout");
    assert_eq!(terminal_error(&subscriber.frame().await), (1, "IdleTimeout"));
    for renewal in [keep_alive("s"), data("s", 1), keep_alive("s")] {
        emulator.clock().advance(Duration::from_secs(200));
        let is_data = renewal != keep_alive("s");
        publisher.send_json(renewal).await;
        publisher.send_json(json!({ "type": "ping" })).await;
        while publisher.frame().await["type"] != "pong" {}
        // Whoever does not respond to pings is closed.
        if is_data {
            assert_eq!(subscriber.frame().await, fragment("s", 1));
        }
        subscriber.assert_silent().await;
    }
    emulator.clock().advance(Duration::from_secs(200));
    publisher.send_json(data("s", 1)).await;
    assert_eq!(publisher.frame().await, ack("s", 2), "a duplicate renews nothing");
    subscriber.assert_silent().await;
    emulator.clock().advance(Duration::from_secs(101));
    assert_eq!(error_name(&publisher.frame().await), "IdleTimeout");
    assert_eq!(terminal_error(&subscriber.frame().await), (2, "IdleTimeout"));
}

#[tokio::test]
async fn a_revoked_permission_ends_the_stream_at_its_next_fragment() {
    let emulator = Emulator::start().await.unwrap();
    let role = "webpubsub.sendToGroup.g";
    let mut publisher = Client::json(&emulator, json!({ "role": role })).await;
    let mut subscriber = Client::json(&emulator, member("bob")).await;
    open(&mut publisher, "s").await;
    let target = format!("permissions/sendToGroup/connections/{}?targetName=g", publisher.id);
    assert_eq!(rest(&emulator, "DELETE", &target).await.status, 204);
    publisher.send_json(keep_alive("s")).await;
    publisher.send_json(data("s", 1)).await;
    let reply = publisher.frame().await;
    assert_eq!((&reply["type"], error_name(&reply)), (&json!("streamClosed"), "Forbidden"));
    assert_eq!(terminal_error(&subscriber.frame().await), (1, "Forbidden"));
}

#[tokio::test]
async fn a_publisher_that_is_gone_for_good_ends_its_streams() {
    let (emulator, publisher, mut subscriber) = pair().await;
    let mut publisher = publisher;
    open(&mut publisher, "s").await;
    drop(publisher);
    assert_eq!(terminal_error(&subscriber.frame().await), (1, "Cancelled"));
    let (mut publisher, _) = connect(&emulator, member("ann")).await;
    publisher.send_json(start("s")).await;
    publisher.frame().await;
    let id = lose(&emulator, publisher).await;
    subscriber.assert_silent().await;
    emulator.clock().advance(Duration::from_secs(31));
    assert_eq!(terminal_error(&subscriber.frame().await), (1, "Cancelled"), "without any other access");
    let (mut publisher, _) = connect(&emulator, member("ann")).await;
    assert_ne!(publisher.id, id);
    publisher.send_json(start("s")).await;
    publisher.frame().await;
    rest(&emulator, "DELETE", &format!("connections/{}", publisher.id)).await;
    assert_eq!(terminal_error(&subscriber.frame().await), (1, "Cancelled"));
}

#[tokio::test]
async fn a_stream_survives_a_recovery_and_repeated_fragments_are_published_once() {
    let emulator = Emulator::start().await.unwrap();
    let (mut subscriber, subscriber_token) = connect(&emulator, member("bob")).await;
    let (mut publisher, token) = connect(&emulator, member("ann")).await;
    publisher.send_json(start("s")).await;
    publisher.send_json(data("s", 1)).await;
    assert_eq!((publisher.frame().await, publisher.frame().await), (ack("s", 1), ack("s", 2)));
    let id = lose(&emulator, publisher).await;
    // The recovery starts with `connected`, on which the official client resumes its streams.
    let mut publisher = recover(&emulator, &id, &token).await;
    for number in 1..=2 {
        publisher.send_json(data("s", number)).await;
    }
    assert_eq!((publisher.frame().await, publisher.frame().await), (ack("s", 2), ack("s", 3)));
    let mut expected = fragment("s", 1);
    expected["sequenceId"] = 1.into();
    assert_eq!(subscriber.frame().await, expected);
    let reader = lose(&emulator, subscriber).await;
    publisher.send_json(end("s")).await;
    assert_eq!(publisher.frame().await, closed("s"));
    let mut subscriber = recover(&emulator, &reader, &subscriber_token).await;
    for (number, mut message) in [(1, fragment("s", 1)), (2, fragment("s", 2)), (3, terminal("s", 3))] {
        message["sequenceId"] = number.into();
        assert_eq!(subscriber.frame().await, message);
    }
}

#[tokio::test]
async fn an_idle_stream_ends_while_its_connection_is_lost() {
    let emulator = Emulator::start().await.unwrap();
    let mut subscriber = Client::json(&emulator, member("bob")).await;
    let (mut publisher, token) = connect(&emulator, member("ann")).await;
    let mut frame = start("s");
    frame["stream"]["idleTimeoutMs"] = 1_000.into();
    publisher.send_json(frame).await;
    publisher.frame().await;
    let id = lose(&emulator, publisher).await;
    emulator.clock().advance(Duration::from_secs(2));
    assert_eq!(terminal_error(&subscriber.frame().await), (1, "IdleTimeout"));
    let mut publisher = recover(&emulator, &id, &token).await;
    publisher.send_json(data("s", 1)).await;
    assert_eq!(error_name(&publisher.frame().await), "StreamNotFound", "its end is not replayed");
}

#[tokio::test]
async fn acks_can_be_lost_and_fragments_rejected() {
    let (emulator, mut publisher, mut subscriber) = pair().await;
    open(&mut publisher, "s").await;
    emulator.faults().push_socket(SocketFault::lose_stream_ack().connection(&publisher.id));
    emulator.faults().push_socket(SocketFault::nack_stream_data(StreamNack::TransientError));
    emulator.faults().push_socket(SocketFault::nack_stream_data(StreamNack::InvalidSequenceId));
    for name in ["TransientError", "InvalidSequenceId"] {
        publisher.send_json(data("s", 1)).await;
        let nack = publisher.frame().await;
        assert_eq!((&nack["name"], &nack["expectedSequenceId"]), (&json!(name), &json!(1)));
    }
    publisher.send_json(data("s", 1)).await;
    publisher.send_json(data("s", 2)).await;
    assert_eq!(publisher.frame().await, ack("s", 3), "the first ack was lost, and acks are cumulative");
    assert_eq!((subscriber.frame().await, subscriber.frame().await), (fragment("s", 1), fragment("s", 2)));
    assert_eq!(emulator.faults().pending(), 0);
}
