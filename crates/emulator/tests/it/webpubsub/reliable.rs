//! The subprotocol `json.reliable.webpubsub.azure.v1`: numbered messages, acknowledgements, and connections that
//! survive their socket.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use service_emulator::{Emulator, Fault};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::common::clients::{
    Client, KEY, RELIABLE, client_claims, jwt, open, publish, rejection, rest, send,
};
use super::common::reliable::{connect, lose, message, recover, reopen};

#[tokio::test]
async fn messages_are_numbered_and_other_frames_are_not() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, _) =
        connect(&emulator, json!({ "sub": "ann", "webpubsub.group": "g", "role": "webpubsub.sendToGroup" }))
            .await;
    publish(&emulator, "a").await;
    client
        .send_json(
            json!({ "type": "sendToGroup", "group": "g", "ackId": 1, "dataType": "text", "data": "b" }),
        )
        .await;
    send(&emulator, "POST", ":send", "text/plain", "c").await;
    assert_eq!(message(&mut client).await, (1, "a".to_owned()));
    let own = json!({ "type": "message", "from": "group", "group": "g", "fromUserId": "ann", "sequenceId": 2, "dataType": "text", "data": "b" });
    assert_eq!(client.frame().await, own);
    let mut last = [client.frame().await, client.frame().await];
    last.sort_by_key(|frame| frame["type"].as_str().unwrap().to_owned());
    assert_eq!(last[0], json!({ "type": "ack", "ackId": 1, "success": true }));
    assert_eq!((&last[1]["sequenceId"], &last[1]["from"]), (&json!(3), &json!("server")));
    assert_eq!(emulator.webpubsub().connections("chat")[0].subprotocol.as_deref(), Some(RELIABLE));
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_what_came_meanwhile_follows() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) = connect(&emulator, json!({ "webpubsub.group": "g" })).await;
    for text in ["a", "b", "c"] {
        publish(&emulator, text).await;
    }
    assert_eq!(message(&mut client).await.0, 1);
    client.send_json(json!({ "type": "sequenceAck", "sequenceId": 1 })).await;
    for expected in [2, 3] {
        assert_eq!(message(&mut client).await.0, expected);
    }
    client.assert_silent().await;
    let id = lose(&emulator, client).await;
    publish(&emulator, "d").await;
    let mut client = recover(&emulator, &id, &token).await;
    for expected in [(2, "b"), (3, "c"), (4, "d")] {
        assert_eq!(message(&mut client).await, (expected.0, expected.1.to_owned()));
    }
    client.send_json(json!({ "type": "sequenceAck", "sequenceId": 4 })).await;
    client.assert_silent().await;
    let id = lose(&emulator, client).await;
    let mut client = recover(&emulator, &id, &token).await;
    publish(&emulator, "e").await;
    assert_eq!(message(&mut client).await, (5, "e".to_owned()), "nothing acknowledged comes again");
}

#[tokio::test]
async fn groups_permissions_and_ack_ids_outlive_the_socket() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) =
        connect(&emulator, json!({ "sub": "ann", "role": "webpubsub.joinLeaveGroup" })).await;
    client.send_json(json!({ "type": "joinGroup", "group": "g", "ackId": 7 })).await;
    assert_eq!(client.frame().await["success"], true);
    let id = lose(&emulator, client).await;
    assert_eq!(rest(&emulator, "HEAD", &format!("connections/{id}")).await.status, 200);
    let path = format!("permissions/sendToGroup/connections/{id}?targetName=g");
    assert_eq!(rest(&emulator, "PUT", &path).await.status, 200);
    let mut client = recover(&emulator, &id, &token).await;
    client.send_json(json!({ "type": "joinGroup", "group": "g", "ackId": 7 })).await;
    assert_eq!(client.frame().await["error"]["name"], "Duplicate");
    client.send_json(json!({ "type": "sendToGroup", "group": "g", "ackId": 8, "data": "x" })).await;
    let message = client.frame().await;
    assert_eq!((&message["fromUserId"], &message["sequenceId"]), (&json!("ann"), &json!(1)));
    assert_eq!(client.frame().await["success"], true);
}

#[tokio::test]
async fn a_connection_is_kept_for_thirty_seconds_after_its_last_socket() {
    let emulator = Emulator::start().await.unwrap();
    let (client, token) = connect(&emulator, json!({})).await;
    let id = lose(&emulator, client).await;
    emulator.clock().advance(Duration::from_secs(25));
    let client = recover(&emulator, &id, &token).await;
    emulator.clock().advance(Duration::from_secs(25));
    assert_eq!(
        rest(&emulator, "HEAD", &format!("connections/{id}")).await.status,
        200,
        "the first loss is over"
    );
    lose(&emulator, client).await;
    let gone = emulator.clone();
    let waiting = tokio::spawn(async move { gone.webpubsub().wait_for_connections("chat", 0).await });
    emulator.clock().advance(Duration::from_secs(31));
    waiting.await.unwrap();
    assert_eq!(rest(&emulator, "HEAD", &format!("connections/{id}")).await.status, 404);
    assert_eq!(reopen(&emulator, &id, &token, RELIABLE).await.closed().await.0, 1008);
}

#[tokio::test]
async fn a_recovery_that_does_not_fit_is_closed_with_1008() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) = connect(&emulator, json!({})).await;
    let (other, _) = connect(&emulator, json!({})).await;
    let (id, other) = (client.id.clone(), other.id.clone());
    for (id, token) in
        [(other.as_str(), token.as_str()), (&id, "x"), (&id, ""), ("", &token), ("xxxx", &token)]
    {
        let (code, _) = reopen(&emulator, id, token, RELIABLE).await.closed().await;
        assert_eq!(code, 1008, "{id}");
    }
    client.assert_silent().await;
    assert_eq!(emulator.webpubsub().connections("chat").len(), 2, "no connection was affected");
}

#[tokio::test]
async fn a_recovery_with_another_subprotocol_or_none_continues_with_the_original_one() {
    let emulator = Emulator::start().await.unwrap();
    let (client, token) = connect(&emulator, json!({ "webpubsub.group": "g" })).await;
    let id = lose(&emulator, client).await;
    let target = format!("/client/hubs/CHAT?awps_connection_id={id}&awps_reconnection_token={token}");
    for (number, offered) in
        [None, Some("custom"), Some("protobuf.webpubsub.azure.v1")].into_iter().enumerate()
    {
        let headers = [
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", offered.unwrap_or("")),
        ];
        let text = crate::common::request_text(&emulator, "GET", &target, &headers, "")
            .replace("Connection: close", "Connection: Upgrade");
        let head = crate::common::head(&emulator, text.as_bytes()).await;
        assert_eq!(
            (head.status, head.header("sec-websocket-protocol")),
            (101, Some(RELIABLE)),
            "{offered:?}"
        );
        publish(&emulator, "a").await;
        let mut client = recover(&emulator, &id, &token).await;
        assert_eq!(message(&mut client).await.0, number as u64 + 1);
        client.send_json(json!({ "type": "sequenceAck", "sequenceId": number + 1 })).await;
        client.assert_silent().await;
    }
}

#[tokio::test]
async fn a_reconnection_token_without_a_connection_id_opens_a_new_connection() {
    let emulator = Emulator::start().await.unwrap();
    let (client, token) = connect(&emulator, json!({})).await;
    let target = format!("/client/hubs/chat?awps_reconnection_token={token}");
    assert_eq!(rejection(open(&emulator, &target, Some(RELIABLE)).await), 401, "without an access token");
    let access = jwt(KEY, &client_claims(&emulator, json!({})));
    let target = format!("{target}&access_token={access}");
    let socket = open(&emulator, &target, Some(RELIABLE)).await.unwrap();
    let mut other = Client { socket, id: String::new(), user: None };
    assert_ne!(other.frame().await["connectionId"], client.id);
}

#[tokio::test]
async fn a_connection_that_was_closed_in_order_is_not_recovered() {
    let emulator = Emulator::start().await.unwrap();
    for by_client in [true, false] {
        let (mut client, token) = connect(&emulator, json!({})).await;
        let id = client.id.clone();
        if by_client {
            let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            client.socket.close(Some(close)).await.unwrap();
            client.closed().await;
        } else {
            assert_eq!(rest(&emulator, "DELETE", &format!("connections/{id}?reason=bye")).await.status, 204);
            assert_eq!(client.frame().await["message"], "bye");
            assert_eq!(client.closed().await.0, 1000);
        }
        emulator.webpubsub().wait_for_connections("chat", 0).await;
        assert_eq!(reopen(&emulator, &id, &token, RELIABLE).await.closed().await.0, 1008, "{by_client}");
    }
}

#[tokio::test]
async fn a_close_for_another_reason_than_the_normal_one_may_be_followed_by_a_recovery() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) = connect(&emulator, json!({})).await;
    client.socket.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).await.unwrap();
    client.closed().await;
    let id = lose(&emulator, client).await;
    recover(&emulator, &id, &token).await.assert_silent().await;
}

#[tokio::test]
async fn a_new_socket_takes_over_from_one_that_only_seems_alive() {
    let emulator = Emulator::start().await.unwrap();
    let (mut old, token) = connect(&emulator, json!({ "webpubsub.group": "g" })).await;
    let mut new = recover(&emulator, &old.id, &token).await;
    publish(&emulator, "a").await;
    assert_eq!(message(&mut new).await, (1, "a".to_owned()));
    assert!(matches!(old.next().await, Message::Close(_)));
    drop(old);
    new.assert_silent().await;
    assert_eq!(emulator.webpubsub().connections("chat").len(), 1);
}

#[tokio::test]
async fn a_connection_with_more_than_a_thousand_unacknowledged_messages_is_ended() {
    let emulator = Emulator::start().await.unwrap();
    for online in [true, false] {
        let (mut client, token) = connect(&emulator, json!({ "webpubsub.group": "g" })).await;
        let mut sender = Client::json(&emulator, json!({ "role": "webpubsub.sendToGroup" })).await;
        let id = client.id.clone();
        if online {
            for number in 1..=1_000 {
                sender
                    .send_json(
                        json!({ "type": "sendToGroup", "group": "g", "dataType": "text", "data": "x" }),
                    )
                    .await;
                assert_eq!(message(&mut client).await.0, number);
            }
        } else {
            lose(&emulator, client).await;
            for _ in 1..=1_000 {
                sender
                    .send_json(
                        json!({ "type": "sendToGroup", "group": "g", "dataType": "text", "data": "x" }),
                    )
                    .await;
            }
            sender.assert_silent().await;
            client = recover(&emulator, &id, &token).await;
            for number in 1..=1_000 {
                assert_eq!(message(&mut client).await.0, number, "all of them are kept");
            }
        }
        publish(&emulator, "one more").await;
        emulator.webpubsub().wait_for_connections("chat", 1).await;
        loop {
            match client.next().await {
                Message::Close(close) => break assert_eq!(u16::from(close.unwrap().code), 1008),
                Message::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(reopen(&emulator, &id, &token, RELIABLE).await.closed().await.0, 1008);
        drop(sender);
        emulator.webpubsub().wait_for_connections("chat", 0).await;
    }
}

#[tokio::test]
async fn a_recovery_whose_response_is_lost_can_be_retried() {
    let emulator = Emulator::start().await.unwrap();
    let (client, token) = connect(&emulator, json!({ "webpubsub.group": "g" })).await;
    let id = lose(&emulator, client).await;
    emulator.faults().push(Fault::reset().after_processing());
    let target = format!("/client/hubs/chat?awps_connection_id={id}&awps_reconnection_token={token}");
    assert!(open(&emulator, &target, Some(RELIABLE)).await.is_err());
    publish(&emulator, "a").await;
    let mut client = recover(&emulator, &id, &token).await;
    assert_eq!(message(&mut client).await, (1, "a".to_owned()));
}

#[tokio::test]
async fn a_connection_that_is_being_closed_for_a_fault_is_not_recovered_meanwhile() {
    let emulator = Emulator::start().await.unwrap();
    let (mut client, token) = connect(&emulator, json!({})).await;
    client.socket.send(Message::text("no frame")).await.unwrap();
    let Some(Ok(Message::Close(Some(close)))) = client.socket.next().await else { panic!("not closed") };
    assert_eq!(close.code, CloseCode::Invalid);
    // The client's own close frame has not been sent yet.
    let mut again = reopen(&emulator, &client.id, &token, RELIABLE).await;
    let Some(Ok(Message::Close(Some(close)))) = again.socket.next().await else { panic!("recovered") };
    assert_eq!(close.code, CloseCode::Policy);
}
