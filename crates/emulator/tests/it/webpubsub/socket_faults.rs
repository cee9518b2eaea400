//! Scripted faults of WebSockets, during the handshake and later: what the client sees, and what the service has done.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use service_emulator::{Emulator, Fault, SocketFault};

use super::common::clients::{Client, client_claims, groups, jwt, open, publish, rejection, rest};
use super::common::clients::{JSON, KEY, RELIABLE};
use super::common::reliable::{connect, lose, message, recover, reopen};

fn member() -> Value {
    json!({ "webpubsub.group": "g", "role": ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"] })
}

fn join(group: &str, id: u64) -> Value {
    json!({ "type": "joinGroup", "group": group, "ackId": id })
}

/// The stream has ended without a close frame.
async fn assert_dropped(client: &mut Client) {
    let end = client.socket.next().await;
    assert!(matches!(end, Some(Err(_)) | None), "{end:?}");
}

#[tokio::test]
async fn a_handshake_can_be_rejected_with_any_status() {
    let emulator = Emulator::start().await.unwrap();
    let token = jwt(KEY, &client_claims(&emulator, json!({})));
    for status in [401, 429, 502] {
        emulator.faults().push(Fault::status(status).path_contains("/client/hubs/chat"));
        let outcome = open(&emulator, &format!("/client/hubs/chat?access_token={token}"), Some(JSON)).await;
        assert_eq!(rejection(outcome), status);
    }
    assert!(emulator.webpubsub().connections("chat").is_empty());
    Client::json(&emulator, json!({})).await;
}

#[tokio::test]
async fn a_connection_is_dropped_before_the_frame_is_carried_out_or_after() {
    let emulator = Emulator::start().await.unwrap();
    for after_processing in [false, true] {
        let (mut client, token) = connect(&emulator, member()).await;
        let mut other = Client::json(&emulator, member()).await;
        let fault = SocketFault::drop_connection().at_received(2).connection(&client.id);
        emulator.faults().push_socket(if after_processing { fault.after_processing() } else { fault });
        client.send_json(join("h", 1)).await;
        assert_eq!(client.frame().await["success"], true);
        let work = json!({ "type": "sendToGroup", "group": "g", "noEcho": true, "ackId": 2, "data": 7 });
        client.send_json(work.clone()).await;
        assert_dropped(&mut client).await;
        let mut client = recover(&emulator, &client.id, &token).await;
        client.send_json(work).await;
        let ack = client.frame().await;
        assert_eq!(ack["error"]["name"], if after_processing { json!("Duplicate") } else { json!(null) });
        assert_eq!(other.frame().await["data"], 7);
        other.assert_silent().await;
        assert_eq!(emulator.faults().pending(), 0);
    }
}

#[tokio::test]
async fn a_connection_is_dropped_once_so_many_frames_have_been_sent() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push_socket(SocketFault::drop_connection().after_sent(3).hub("CHAT").nth(2));
    let mut first = Client::json(&emulator, member()).await;
    let mut second = Client::json(&emulator, member()).await;
    for text in ["a", "b", "c"] {
        publish(&emulator, text).await;
    }
    for text in ["a", "b", "c"] {
        assert_eq!(first.frame().await["data"], text);
    }
    for text in ["a", "b"] {
        assert_eq!(second.frame().await["data"], text, "behind the connected frame");
    }
    assert_dropped(&mut second).await;
    emulator.webpubsub().wait_for_connections("chat", 1).await;
    first.assert_silent().await;
}

#[tokio::test]
async fn a_half_open_socket_is_deaf_and_mute_and_a_recovery_takes_over_from_it() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) = connect(&emulator, member()).await;
    emulator.faults().push_socket(SocketFault::half_open());
    client.send_json(join("h", 1)).await;
    client.send_json(join("i", 2)).await;
    while emulator.faults().pending() > 0 {
        tokio::task::yield_now().await;
    }
    publish(&emulator, "a").await;
    assert!(client.socket.next().now_or_never().is_none(), "open, and nothing comes");
    assert_eq!(groups(&emulator, &client.id), ["g"]);
    let mut again = recover(&emulator, &client.id, &token).await;
    assert_eq!(message(&mut again).await, (1, "a".to_owned()));
    assert!(client.socket.next().now_or_never().is_none(), "not even its end");
    let end = loop {
        emulator.clock().advance(Duration::from_secs(601));
        match client.socket.next().now_or_never() {
            Some(end) => break end,
            None => tokio::task::yield_now().await,
        }
    };
    assert!(matches!(end, Some(Err(_)) | None), "{end:?}");
    again.assert_silent().await;
}

#[tokio::test]
async fn a_half_open_socket_of_a_closed_connection_leaves_the_hub() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, member()).await;
    emulator.faults().push_socket(SocketFault::half_open().after_sent(1));
    client.send_json(join("h", 1)).await;
    assert_eq!(client.frame().await["success"], true, "sent, then mute");
    client.send_json(join("i", 2)).await;
    assert_eq!(rest(&emulator, "DELETE", &format!("connections/{}", client.id)).await.status, 204);
    emulator.webpubsub().wait_for_connections("chat", 0).await;
    assert!(client.socket.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_delayed_ack_comes_in_moved_time_and_others_go_before_it() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, member()).await;
    emulator.faults().push_socket(SocketFault::delay_ack(Duration::from_secs(3600)));
    client.send_json(join("h", 1)).await;
    client.send_json(join("i", 2)).await;
    assert_eq!(client.frame().await["ackId"], 2);
    client.assert_silent().await;
    assert_eq!(groups(&emulator, &client.id), ["g", "h", "i"], "the work is done");
    emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(client.frame().await["ackId"], 1);
}

#[tokio::test]
async fn a_lost_ack_leaves_the_request_executed() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, member()).await;
    emulator.faults().push_socket(SocketFault::lose_ack());
    client.send_json(join("h", 1)).await;
    client.assert_silent().await;
    client.send_json(join("h", 1)).await;
    assert_eq!(client.frame().await["error"]["name"], "Duplicate");
}

#[tokio::test]
async fn an_acknowledged_message_is_sent_again_when_its_sequence_ack_was_ignored() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) = connect(&emulator, member()).await;
    emulator.faults().push_socket(SocketFault::ignore_sequence_ack());
    publish(&emulator, "a").await;
    assert_eq!(message(&mut client).await.0, 1);
    client.send_json(json!({ "type": "sequenceAck", "sequenceId": 1 })).await;
    client.assert_silent().await;
    let id = lose(&emulator, client).await;
    let mut client = recover(&emulator, &id, &token).await;
    assert_eq!(message(&mut client).await, (1, "a".to_owned()));
    client.send_json(json!({ "type": "sequenceAck", "sequenceId": 1 })).await;
    client.assert_silent().await;
    let id = lose(&emulator, client).await;
    recover(&emulator, &id, &token).await.assert_silent().await;
}

#[tokio::test]
async fn a_recovery_can_be_rejected_and_the_connection_is_gone() {
    let emulator = Emulator::start().await.unwrap();
    let (client, token) = connect(&emulator, member()).await;
    let (other, other_token) = connect(&emulator, member()).await;
    let (id, other) = (lose(&emulator, client).await, lose(&emulator, other).await);
    emulator.faults().push_socket(SocketFault::reject_recovery().connection(&id));
    recover(&emulator, &other, &other_token).await.assert_silent().await;
    assert_eq!(reopen(&emulator, &id, &token, RELIABLE).await.closed().await.0, 1008);
    assert_eq!(rest(&emulator, "HEAD", &format!("connections/{id}")).await.status, 404);
    assert_eq!(reopen(&emulator, &id, &token, RELIABLE).await.closed().await.0, 1008);
}

#[tokio::test]
async fn a_connection_is_dropped_within_a_frame_that_is_sent_and_the_frame_comes_whole_after_the_recovery() {
    let emulator = Emulator::start().await.unwrap();
    for bytes in [1, 2, 40] {
        let (mut client, token) = connect(&emulator, member()).await;
        let fault = SocketFault::drop_connection().after_sent_bytes(bytes).connection(&client.id);
        emulator.faults().push_socket(fault);
        publish(&emulator, "cut").await;
        assert_dropped(&mut client).await;
        assert_eq!(emulator.faults().pending(), 0);
        let mut client = recover(&emulator, &client.id, &token).await;
        assert_eq!(message(&mut client).await, (1, "cut".to_owned()));
    }
}

#[tokio::test]
async fn a_connection_is_dropped_within_a_frame_that_is_received_and_the_frame_is_not_carried_out() {
    let emulator = Emulator::start().await.unwrap();
    let whole = join("h", 1).to_string().len() as u64 + 6;
    // A frame of a client has a head of 2 bytes and a mask of 4 (RFC 6455, section 5.2).
    for (bytes, done) in [(1, false), (whole - 1, false), (whole, true)] {
        let (mut client, token) = connect(&emulator, member()).await;
        let fault = SocketFault::drop_connection().at_received_bytes(bytes).connection(&client.id);
        emulator.faults().push_socket(fault);
        client.send_json(join("h", 1)).await;
        assert_dropped(&mut client).await;
        let mut client = recover(&emulator, &client.id, &token).await;
        client.send_json(join("h", 1)).await;
        let name = client.frame().await["error"]["name"].clone();
        assert_eq!(name, if done { json!("Duplicate") } else { json!(null) }, "{bytes} of {whole}");
    }
}
