//! WebSocket clients of Web PubSub: the JSON subprotocol, simple clients, and how connections end.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use service_emulator::Emulator;
use tokio_tungstenite::tungstenite::Message;

use super::common::clients::{Client, JSON, KEY, client_claims, jwt, open, rejection, rest, send};
use crate::common::http;

fn all_roles() -> Value {
    json!(["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"])
}

#[tokio::test]
async fn the_first_frame_says_who_is_connected() {
    let emulator = Emulator::start().await.unwrap();
    let named = Client::json(&emulator, json!({ "sub": "ann" })).await;
    let anonymous = Client::json(&emulator, json!({ "sub": "" })).await;
    assert_eq!((named.user.as_deref(), anonymous.user.as_deref()), (Some("ann"), None));
    assert_ne!(named.id, anonymous.id);
}

#[tokio::test]
async fn the_groups_of_a_token_are_joined_at_connect() {
    let emulator = Emulator::start().await.unwrap();
    let _many = Client::json(&emulator, json!({ "sub": "a", "webpubsub.group": ["g2", "g1"] })).await;
    let _one = Client::json(&emulator, json!({ "sub": "b", "webpubsub.group": "g3" })).await;
    let mut groups: Vec<_> = emulator
        .webpubsub()
        .connections("chat")
        .into_iter()
        .map(|c| (c.user_id.unwrap(), c.groups))
        .collect();
    groups.sort();
    let expected = [("a", vec!["g1", "g2"]), ("b", vec!["g3"])];
    assert_eq!(
        groups,
        expected.map(|(user, groups)| (user.to_owned(), groups.into_iter().map(str::to_owned).collect()))
    );
}

#[tokio::test]
async fn joining_sending_and_leaving_are_acknowledged_and_done() {
    let emulator = Emulator::start().await.unwrap();
    let mut ann = Client::json(&emulator, json!({ "sub": "ann", "role": all_roles() })).await;
    let mut bob = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    ann.send_json(json!({ "type": "joinGroup", "group": "g", "ackId": 1 })).await;
    assert_eq!(ann.frame().await, json!({ "type": "ack", "ackId": 1, "success": true }));
    ann.send_json(
        json!({ "type": "sendToGroup", "group": "g", "ackId": 18446744073709551615_u64, "data": { "b": 1 } }),
    )
    .await;
    let message = json!({
        "type": "message", "from": "group", "group": "g", "fromUserId": "ann", "dataType": "json", "data": { "b": 1 }
    });
    assert_eq!(bob.frame().await, message);
    assert_eq!(ann.frame().await, message, "the sender is a member");
    assert_eq!(
        ann.frame().await,
        json!({ "type": "ack", "ackId": 18446744073709551615_u64, "success": true })
    );
    ann.send_json(
        json!({ "type": "sendToGroup", "group": "g", "noEcho": true, "dataType": "text", "data": "x" }),
    )
    .await;
    assert_eq!(bob.frame().await["data"], "x");
    ann.send_json(json!({ "type": "leaveGroup", "group": "g", "ackId": 3 })).await;
    assert_eq!(ann.frame().await["ackId"], 3, "without an echo before it");
    assert!(
        !emulator.webpubsub().connections("chat").iter().any(|c| c.user_id.is_some() && !c.groups.is_empty())
    );
}

#[tokio::test]
async fn without_the_role_nothing_is_done_and_the_ack_says_so() {
    let emulator = Emulator::start().await.unwrap();
    let roles = json!(["webpubsub.sendToGroup.mine", "webpubsub.joinLeaveGroups.room?"]);
    let mut client = Client::json(&emulator, json!({ "role": roles, "webpubsub.group": "other" })).await;
    for (kind, group, allowed) in [
        ("sendToGroup", "mine", true),
        ("sendToGroup", "other", false),
        ("joinGroup", "room1", true),
        ("joinGroup", "rooms12", false),
        ("leaveGroup", "other", false),
    ] {
        let id = u64::from(allowed) + group.len() as u64 * 10 + kind.len() as u64 * 1000;
        client.send_json(json!({ "type": kind, "group": group, "ackId": id, "data": 1 })).await;
        let ack = client.frame().await;
        assert_eq!((&ack["ackId"], &ack["success"]), (&json!(id), &json!(allowed)), "{kind} {group}");
        assert_eq!(ack["error"]["name"], if allowed { json!(null) } else { json!("Forbidden") });
        client.send_json(json!({ "type": kind, "group": group, "data": 1 })).await;
        client.assert_silent().await;
    }
    assert_eq!(emulator.webpubsub().connections("chat")[0].groups, ["other", "room1"]);
}

#[tokio::test]
async fn an_ack_id_is_carried_out_once() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "role": all_roles(), "webpubsub.group": "g" })).await;
    let frame = json!({ "type": "sendToGroup", "group": "g", "ackId": 5, "dataType": "text", "data": "x" });
    client.send_json(frame.clone()).await;
    assert_eq!(client.frame().await["data"], "x");
    assert_eq!(client.frame().await["success"], true);
    client.send_json(frame).await;
    let error = json!({ "name": "Duplicate", "message": "Message with ack-id: 5 has been processed" });
    assert_eq!(client.frame().await, json!({ "type": "ack", "ackId": 5, "success": false, "error": error }));
}

#[tokio::test]
async fn a_failed_ack_id_may_be_used_again() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    for _ in 0..2 {
        client.send_json(json!({ "type": "joinGroup", "group": "g", "ackId": 5 })).await;
        assert_eq!(client.frame().await["error"]["name"], "Forbidden");
    }
}

#[tokio::test]
async fn pings_and_sequence_acks_are_taken() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "role": all_roles() })).await;
    client.send_json(json!({ "type": "joinGroup", "group": "g", "ackId": 1, "unknown": [] })).await;
    assert_eq!(client.frame().await, json!({ "type": "ack", "ackId": 1, "success": true }));
    client.send_json(json!({ "type": "sequenceAck", "sequenceId": 42 })).await;
    client.assert_silent().await;
}

#[tokio::test]
async fn payloads_of_every_type_reach_json_and_simple_clients() {
    let emulator = Emulator::start().await.unwrap();
    let mut sender = Client::json(&emulator, json!({ "role": all_roles() })).await;
    let mut simple = Client::simple(&emulator, json!({ "webpubsub.group": "g" }), "").await;
    let mut json = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    for (data_type, data, seen) in [
        ("text", json!("é\""), Message::text("é\"")),
        ("json", json!([1, "a"]), Message::text("[1,\"a\"]")),
        ("binary", json!("AQID"), Message::binary(vec![1, 2, 3])),
        ("protobuf", json!("CgA="), Message::binary(vec![10, 0])),
    ] {
        sender
            .send_json(json!({ "type": "sendToGroup", "group": "g", "dataType": data_type, "data": data }))
            .await;
        let frame = json.frame().await;
        assert_eq!((&frame["dataType"], &frame["data"]), (&json!(data_type), &data));
        assert_eq!(simple.next().await, seen);
    }
}

#[tokio::test]
async fn an_invalid_frame_closes_the_connection() {
    let emulator = Emulator::start().await.unwrap();
    let send = |more: Value| {
        let mut frame = json!({ "type": "sendToGroup", "group": "g" });
        frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        frame.to_string()
    };
    let event = |name: &str| json!({ "type": "event", "event": name, "data": 1 }).to_string();
    let frames = [
        "{".to_owned(),
        "[]".to_owned(),
        json!({ "type": "unheardOf" }).to_string(),
        json!({ "type": "joinGroup" }).to_string(),
        json!({ "type": "joinGroup", "group": "g", "ackId": -1 }).to_string(),
        json!({ "type": "sequenceAck" }).to_string(),
        send(json!({})),
        send(json!({ "data": null })),
        send(json!({ "data": 1, "dataType": "text" })),
        send(json!({ "data": "?", "dataType": "binary" })),
        send(json!({ "data": "x", "dataType": "xml" })),
        send(json!({ "data": 1, "ttlSeconds": 301 })),
        event("1order"),
        event(""),
    ];
    for frame in frames {
        let mut client = Client::json(&emulator, json!({ "role": all_roles() })).await;
        client.send(Message::text(&frame)).await;
        assert_eq!(client.closed().await.0, 1007, "{frame}");
        assert!(client.socket.next().await.is_none(), "{frame}");
    }
    emulator.webpubsub().wait_for_connections("chat", 0).await;
}

#[tokio::test]
async fn a_binary_frame_on_the_json_protocol_closes_the_connection() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    client.send(Message::binary(vec![1])).await;
    assert_eq!(client.closed().await.0, 1003);
}

#[tokio::test]
async fn a_group_name_that_breaks_the_rule_is_rejected_in_the_ack() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "role": all_roles() })).await;
    for group in [String::new(), " ".to_owned(), "g".repeat(1025)] {
        client.send_json(json!({ "type": "joinGroup", "group": group, "ackId": 1 })).await;
        assert_eq!(client.frame().await["error"]["name"], "BadRequest");
    }
}

#[tokio::test]
async fn a_connection_is_in_a_thousand_groups_at_most() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "role": all_roles() })).await;
    for number in 1..=1_001 {
        client
            .send_json(json!({ "type": "joinGroup", "group": format!("g{number}"), "ackId": number }))
            .await;
        assert_eq!(client.frame().await["success"], number <= 1_000, "{number}");
    }
    assert_eq!(emulator.webpubsub().connections("chat")[0].groups.len(), 1_000);
}

#[tokio::test]
async fn a_message_of_more_than_a_megabyte_closes_the_connection() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "role": all_roles() })).await;
    client.send(Message::text("x".repeat(3 * 1024 * 1024))).await;
    assert_eq!(client.closed().await.0, 1009);
    emulator.webpubsub().wait_for_connections("chat", 0).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_as_slow_and_others_are_served() {
    let emulator = Emulator::start().await.unwrap();
    let slow = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    let mut other = Client::json(&emulator, json!({ "webpubsub.group": "h" })).await;
    let body = "x".repeat(1_000_000);
    let mut sent = 0;
    while emulator.webpubsub().connections("chat").len() == 2 {
        send(&emulator, "POST", "groups/g/:send", "text/plain", &body).await;
        sent += 1;
        if sent >= 17 {
            emulator.clock().advance(Duration::from_secs(5));
            tokio::task::yield_now().await;
        }
    }
    assert!(sent > 16, "{sent}");
    other.assert_silent().await;
    drop(slow);
}

#[tokio::test]
async fn a_simple_client_in_publishing_mode_sends_each_frame_to_its_group() {
    let emulator = Emulator::start().await.unwrap();
    let claims = json!({ "sub": "ann", "role": "webpubsub.sendToGroup.g" });
    let mut simple = Client::simple(&emulator, claims, "&webpubsub_mode=sendToGroup&group=g").await;
    let mut json = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    simple.send(Message::text("{}")).await;
    simple.send(Message::binary(vec![1])).await;
    let first = json.frame().await;
    assert_eq!(
        (&first["fromUserId"], &first["dataType"], &first["data"]),
        (&json!("ann"), &json!("text"), &json!("{}"))
    );
    assert_eq!(json.frame().await["dataType"], "binary");
}

#[tokio::test]
async fn the_parameters_of_a_simple_client_are_case_insensitive_and_the_last_one_counts() {
    let emulator = Emulator::start().await.unwrap();
    let claims = json!({ "role": "webpubsub.sendToGroup.g", "webpubsub.group": "g" });
    for (query, echoes) in [
        ("&webpubsub_mode=SENDTOGROUP&GROUP=g", true),
        ("&webpubsub_mode=&WebPubSub_Mode=sendtogroup&group=other&group=g&noecho=False", true),
        ("&webpubsub_mode=sendToGroup&group=g&noEcho=TRUE", false),
    ] {
        let mut json = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
        let mut simple = Client::simple(&emulator, claims.clone(), query).await;
        simple.send(Message::text("one")).await;
        assert_eq!(json.frame().await["data"], "one", "{query}");
        send(&emulator, "POST", "groups/g/:send", "text/plain", "two").await;
        let first = simple.next().await;
        assert_eq!(first, Message::text(if echoes { "one" } else { "two" }), "{query}");
    }
    let ignored = "&webpubsub_mode=SendEvent&noEcho=maybe&group=";
    assert_eq!(
        Client::simple(&emulator, json!({ "sub": "ann" }), ignored).await.user.as_deref(),
        Some("ann")
    );
}

#[tokio::test]
async fn a_simple_client_is_dropped_when_no_handler_accepts_what_it_sends() {
    let emulator = Emulator::start().await.unwrap();
    for (query, code) in
        [("", 1011), ("&webpubsub_mode=sendEvent", 1011), ("&webpubsub_mode=sendToGroup&group=g", 1008)]
    {
        let mut simple = Client::simple(&emulator, json!({}), query).await;
        simple.send(Message::text("hi")).await;
        assert_eq!(simple.closed().await.0, code, "{query}");
    }
}

#[tokio::test]
async fn a_handshake_that_cannot_be_served_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let token = jwt(KEY, &client_claims(&emulator, json!({})));
    let target = |query: &str| format!("/client/hubs/chat?access_token={token}{query}");
    for query in [
        "&webpubsub_mode=sendToGroup",
        "&webpubsub_mode=other",
        "&webpubsub_mode=sendEvent&webpubsub_mode=other",
        "&webpubsub_mode=sendToGroup&group=g&noEcho=maybe",
    ] {
        for protocol in [None, Some(JSON)] {
            assert_eq!(rejection(open(&emulator, &target(query), protocol).await), 400, "{query}");
        }
    }
    assert_eq!(rejection(open(&emulator, "/client/", None).await), 400, "no hub");
    let groups = json!({ "webpubsub.group": ["g", " "] });
    let token = jwt(KEY, &client_claims(&emulator, groups));
    let target_of_group = format!("/client/hubs/chat?access_token={token}");
    assert_eq!(rejection(open(&emulator, &target_of_group, Some(JSON)).await), 400, "an invalid group");
    for path in ["/client/hubs/chat/more", "/client/other", "/clients/mqtt/hubs/chat"] {
        assert_eq!(rejection(open(&emulator, path, None).await), 404, "{path}");
    }
    assert_eq!(rejection(open(&emulator, "/client/hubs/1chat", None).await), 400);
    assert_eq!(http(&emulator, "GET", &target(""), &[], "").await.status, 400, "no opening at all");
}

/// The status and the selected subprotocol of a handshake.
async fn selected(emulator: &Emulator, target: &str, offered: &str) -> (u16, Option<String>) {
    let headers = [
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", offered),
    ];
    let text = crate::common::request_text(emulator, "GET", target, &headers, "");
    let text = text.replace("Connection: close", "Connection: Upgrade");
    let head = crate::common::head(emulator, text.as_bytes()).await;
    // The example of RFC 6455, section 1.3.
    assert_eq!(head.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    (head.status, head.header("sec-websocket-protocol").map(str::to_owned))
}

#[tokio::test]
async fn the_first_supported_subprotocol_is_selected_in_the_spelling_of_the_client() {
    let emulator = Emulator::start().await.unwrap();
    let token = jwt(KEY, &client_claims(&emulator, json!({})));
    let target = format!("/client/hubs/chat?access_token={token}");
    for (offered, expected) in [
        (JSON, Some(JSON)),
        ("custom", None),
        ("json.webpubsub.azure.v1, custom", Some(JSON)),
        ("custom, protobuf.webpubsub.azure.v1, json.webpubsub.azure.v1", Some("protobuf.webpubsub.azure.v1")),
        ("JSON.WebPubSub.azure.v1", Some("JSON.WebPubSub.azure.v1")),
        (",json.webpubsub.azure.v1, ,", Some(JSON)),
        (",", None),
    ] {
        let expected = (101, expected.map(str::to_owned));
        assert_eq!(selected(&emulator, &target, offered).await, expected, "{offered}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_gone_from_its_hub() {
    let emulator = Emulator::start().await.unwrap();
    let mut polite = Client::json(&emulator, json!({})).await;
    let abrupt = Client::json(&emulator, json!({})).await;
    emulator.webpubsub().wait_for_connections("chat", 2).await;
    polite.socket.close(None).await.unwrap();
    drop(abrupt);
    emulator.webpubsub().wait_for_connections("chat", 0).await;
    assert!(matches!(polite.next().await, Message::Close(_)), "the close is acknowledged");
    assert_eq!(rest(&emulator, "HEAD", &format!("connections/{}", polite.id)).await.status, 404);
}

#[tokio::test]
async fn messages_of_one_sender_arrive_in_order() {
    let emulator = Emulator::start().await.unwrap();
    let mut sender = Client::json(&emulator, json!({ "role": all_roles() })).await;
    let mut receiver = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    for number in 0..500 {
        sender.send_json(json!({ "type": "sendToGroup", "group": "g", "data": number })).await;
    }
    for number in 0..500 {
        assert_eq!(receiver.frame().await["data"], number);
    }
}

#[tokio::test]
async fn delayed_acks_wait_for_their_time_and_are_not_lost_at_a_close() {
    let emulator = Emulator::start().await.unwrap();
    emulator.webpubsub().set_ack_delay(Duration::from_secs(3_600));
    let mut client = Client::json(&emulator, json!({ "role": all_roles() })).await;
    for id in 1..=2 {
        client.send_json(json!({ "type": "joinGroup", "group": "g", "ackId": id })).await;
        client.assert_silent().await;
    }
    emulator.clock().advance(Duration::from_secs(3_601));
    for id in 1..=2 {
        assert_eq!(client.frame().await, json!({ "type": "ack", "ackId": id, "success": true }));
    }
    client.send_json(json!({ "type": "leaveGroup", "group": "g", "ackId": 3 })).await;
    client.assert_silent().await;
    assert_eq!(rest(&emulator, "DELETE", &format!("connections/{}", client.id)).await.status, 204);
    assert_eq!(client.frame().await["ackId"], 3);
    assert_eq!(client.frame().await["event"], "disconnected");
}

#[tokio::test]
async fn the_type_of_a_frame_and_of_its_data_are_case_insensitive() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "role": all_roles() })).await;
    client.send_json(json!({ "type": "JoinGroup", "group": "g", "ackId": 1 })).await;
    assert_eq!(client.frame().await["success"], true);
    client.send_json(json!({ "type": "SENDTOGROUP", "group": "g", "dataType": "Text", "data": "x" })).await;
    let message = client.frame().await;
    assert_eq!((&message["dataType"], &message["data"]), (&json!("text"), &json!("x")));
}

#[tokio::test]
async fn closes_and_failed_acks_have_the_texts_of_the_service_teams_emulator() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    for (kind, action) in [("joinGroup", "join"), ("leaveGroup", "leave"), ("sendToGroup", "send to")] {
        client.send_json(json!({ "type": kind, "group": "g", "ackId": 1, "data": 1 })).await;
        let message = format!("The client does not have permission to {action} group 'g'.");
        assert_eq!(client.frame().await["error"]["message"], message);
    }
    client.send(Message::binary(vec![1])).await;
    assert_eq!(client.closed().await, (1003, "The JSON subprotocol requires text messages.".to_owned()));
    let mut client = Client::json(&emulator, json!({})).await;
    client.send(Message::text("x".repeat(2 * 1024 * 1024))).await;
    assert_eq!(client.closed().await, (1009, "The client message is too large.".to_owned()));
}
