//! The event `connect`, which an event handler decides.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use service_emulator::Emulator;
use service_emulator::webpubsub::{EventHandlerSettings, SystemEvent, UserEvents};
use tokio_tungstenite::tungstenite::Error;

use super::common::clients::{Client, JSON, KEY, Socket, client_claims, jwt, open, rejection};
use super::common::webhook::{Webhook, hooks};
use crate::common::head;

async fn start() -> (Emulator, Webhook) {
    let (emulator, webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    emulator.webpubsub().event_handler("Chat", webhook.handler(&[SystemEvent::Connect])).unwrap();
    (emulator, webhook)
}

async fn connecting(emulator: &Emulator, claims: Value, protocol: Option<&str>) -> Result<Socket, Error> {
    let token = jwt(KEY, &client_claims(emulator, claims));
    open(emulator, &format!("/client/hubs/chat?access_token={token}&room=7"), protocol).await
}

#[tokio::test]
async fn the_handler_receives_the_client_data_and_may_accept_it_unchanged() {
    let (emulator, mut webhook) = start().await;
    let claims = json!({ "sub": "ann", "role": ["webpubsub.sendToGroup"], "level": 3 });
    let (outcome, ()) = tokio::join!(connecting(&emulator, claims, Some(JSON)), async {
        let call = webhook.call().await;
        assert_eq!(call.target, "/hubs/chat/connect?code=x");
        for (name, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("webhook-request-origin", "127.0.0.1"),
            ("ce-specversion", "1.0"),
            ("ce-awpsversion", "1.0"),
            ("ce-type", "azure.webpubsub.sys.connect"),
            ("ce-eventname", "connect"),
            ("ce-hub", "chat"),
            ("ce-userid", "ann"),
            ("ce-id", "0"),
        ] {
            assert_eq!(call.header(name), Some(value), "{name}");
        }
        let connection = call.header("ce-connectionid").unwrap();
        assert_eq!(call.header("ce-source").unwrap(), format!("/hubs/chat/client/{connection}"));
        let time = call.header("ce-time").unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{time}: whole seconds");
        assert_eq!(call.header("x-ms-client-request-id").unwrap().len(), 36);
        assert_eq!(call.header("ce-signature").unwrap().split(",sha256=").count(), 2);
        assert_eq!((call.header("ce-subprotocol"), call.header("ce-connectionstate")), (None, None));
        let body = call.json();
        assert_eq!(body["claims"]["role"], json!(["webpubsub.sendToGroup"]));
        assert_eq!((&body["claims"]["sub"], &body["claims"]["level"]), (&json!(["ann"]), &json!(["3"])));
        assert_eq!((&body["query"]["room"], &body["subprotocols"]), (&json!(["7"]), &json!([JSON])));
        assert_eq!(body["headers"]["upgrade"], json!(["websocket"]));
        assert_eq!(body["clientCertificates"], json!([]));
        call.accept();
    });
    outcome.unwrap();
    let connection = &emulator.webpubsub().connections("chat")[0];
    assert_eq!((connection.user_id.as_deref(), connection.subprotocol.as_deref()), (Some("ann"), Some(JSON)));
}

#[tokio::test]
async fn the_handler_says_who_the_client_is_and_what_it_may_do() {
    let (emulator, mut webhook) = start().await;
    let claims = json!({ "sub": "ann", "webpubsub.group": "old", "role": "webpubsub.joinLeaveGroup" });
    let decision = json!({ "userId": "bob", "groups": ["new"], "roles": ["webpubsub.sendToGroup.new"] });
    let (mut client, ()) = tokio::join!(Client::json(&emulator, claims), async {
        webhook.call().await.respond(200, "", &decision.to_string());
    });
    assert_eq!(client.user.as_deref(), Some("bob"));
    assert_eq!(emulator.webpubsub().connections("chat")[0].groups, ["new"]);
    client.send_json(json!({ "type": "joinGroup", "group": "x", "ackId": 1 })).await;
    assert_eq!(client.frame().await["error"]["name"], "Forbidden");
    client.send_json(json!({ "type": "sendToGroup", "group": "new", "data": 1, "ackId": 2 })).await;
    assert_eq!(client.frame().await["fromUserId"], "bob");
}

#[tokio::test]
async fn the_handler_chooses_one_of_several_subprotocols() {
    let (emulator, mut webhook) = start().await;
    for (chosen, named) in [(JSON, Some(JSON)), ("custom", Some("custom")), ("", Some(JSON))] {
        let offered = format!("custom, {JSON}");
        let (outcome, ()) = tokio::join!(connecting(&emulator, json!({}), Some(&offered)), async {
            webhook.call().await.respond(200, "", &json!({ "subprotocol": chosen }).to_string());
        });
        let connections = emulator.webpubsub().connections("chat");
        assert_eq!(connections[0].subprotocol.as_deref(), named);
        outcome.unwrap();
        emulator.webpubsub().wait_for_connections("chat", 0).await;
    }
}

#[tokio::test]
async fn an_empty_user_removes_it_and_an_empty_list_of_groups_or_null_changes_nothing() {
    let (emulator, mut webhook) = start().await;
    let claims = || json!({ "sub": "ann", "webpubsub.group": "old" });
    for (decision, user) in [(r#"{"userId":"","groups":[]}"#, None), ("null", Some("ann"))] {
        let (client, ()) = tokio::join!(Client::json(&emulator, claims()), async {
            webhook.call().await.respond(200, "", decision);
        });
        assert_eq!(client.user.as_deref(), user, "{decision}");
        assert_eq!(emulator.webpubsub().connections("chat")[0].groups, ["old"], "{decision}");
        drop(client);
        emulator.webpubsub().wait_for_connections("chat", 0).await;
    }
}

#[tokio::test]
async fn credentials_of_the_client_are_not_in_the_body() {
    let (emulator, mut webhook) = start().await;
    let token = jwt(KEY, &client_claims(&emulator, json!({})));
    let request = format!(
        "GET /client/hubs/chat?Access_Token={token}&awps_reconnection_token=s3cret&room=7 HTTP/1.1\r\n\
         Host: {}\r\nAuthorization: Bearer s3cret\r\nX-ASRS-Internal-Key: s3cret\r\nCookie: own=1\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        emulator.address()
    );
    let (response, ()) = tokio::join!(head(&emulator, request.as_bytes()), async {
        let call = webhook.call().await;
        let text = String::from_utf8_lossy(&call.body).into_owned();
        assert!(!text.contains(&token) && !text.contains("s3cret"), "{text}");
        let body = call.json();
        assert_eq!(body["query"], json!({ "room": ["7"] }));
        assert_eq!(body["headers"]["cookie"], json!(["own=1"]));
        assert!(body["headers"].get("authorization").is_none());
        assert!(body["headers"].get("x-asrs-internal-key").is_none());
        call.accept();
    });
    assert_eq!(response.status, 101);
}

#[tokio::test]
async fn a_rejection_or_an_invalid_response_of_the_handler_rejects_the_client() {
    let (emulator, mut webhook) = start().await;
    for (status, body, seen) in [
        (401, "", 401),
        (403, "no", 403),
        (302, "", 502),
        (200, "{", 502),
        (200, r#"{"subprotocol":"never offered"}"#, 502),
        (200, r#"{"groups":[""]}"#, 502),
        (200, r#"{"groups":[null]}"#, 502),
    ] {
        let (outcome, ()) = tokio::join!(connecting(&emulator, json!({}), Some(JSON)), async {
            webhook.call().await.respond(status, "", body);
        });
        if status == 403 {
            let Err(Error::Http(response)) = &outcome else { panic!("{outcome:?}") };
            assert_eq!(response.body().as_deref(), Some(b"no".as_slice()));
        }
        assert_eq!(rejection(outcome), seen, "{status} {body}");
    }
    let two = "ce-connectionState: a\r\nce-connectionState: b\r\n";
    let (outcome, ()) = tokio::join!(connecting(&emulator, json!({}), Some(JSON)), async {
        webhook.call().await.respond(200, two, "");
    });
    assert_eq!(rejection(outcome), 502);
    assert!(emulator.webpubsub().connections("chat").is_empty());
}

#[tokio::test]
async fn a_handler_that_keeps_failing_rejects_the_client_after_the_last_attempt() {
    let (emulator, mut webhook) = start().await;
    let (outcome, _id) = tokio::join!(
        connecting(&emulator, json!({}), Some(JSON)),
        webhook.fail_every_attempt(&emulator, |call| call.respond(500, "", "")),
    );
    assert_eq!(rejection(outcome), 500);
    let (outcome, _id) = tokio::join!(
        connecting(&emulator, json!({}), Some(JSON)),
        webhook.fail_every_attempt(&emulator, drop),
    );
    assert_eq!(rejection(outcome), 502, "no response");
    webhook.assert_idle();
}

#[tokio::test]
async fn a_handler_that_hangs_is_given_up_after_100_s_and_not_called_again() {
    let (emulator, mut webhook) = start().await;
    let mut connecting = std::pin::pin!(connecting(&emulator, json!({}), Some(JSON)));
    let call = tokio::select! {
        call = webhook.call() => call,
        outcome = &mut connecting => panic!("{outcome:?}"),
    };
    emulator.clock().advance(Duration::from_secs(80));
    // The whole exchange happens on another connection, so the timeout would have been noticed.
    assert_eq!(hooks(&emulator).await.len(), 1, "only the validation has ended");
    assert!((&mut connecting).now_or_never().is_none());
    emulator.clock().advance(Duration::from_secs(20));
    assert_eq!(rejection(connecting.await), 504);
    drop(call);
    webhook.assert_idle();
}

#[tokio::test]
async fn an_event_goes_to_the_first_handler_that_takes_it() {
    let emulator = Emulator::start().await.unwrap();
    let (mut first, mut second) = (Webhook::start().await, Webhook::start().await);
    let service = emulator.webpubsub();
    let only = |name: &str| UserEvents::Only(vec![name.to_owned()]);
    service.event_handler("chat", first.handler(&[]).user_events(only("Order"))).unwrap();
    service.event_handler("chat", second.handler(&[SystemEvent::Connect])).unwrap();
    let (mut client, ()) =
        tokio::join!(Client::json(&emulator, json!({})), async { second.call().await.accept() });
    for (event, webhook) in [("order", &mut first), ("other", &mut second)] {
        client.send_json(json!({ "type": "event", "event": event, "data": 1 })).await;
        assert_eq!(webhook.take().await.0, format!("azure.webpubsub.user.{event}"));
    }
    service.clear_event_handlers("CHAT");
    client.send_json(json!({ "type": "event", "event": "order", "data": 1, "ackId": 1 })).await;
    assert_eq!(client.frame().await["success"], false, "no handler is called");
    assert!(service.event_handler("chat", EventHandlerSettings::new("wss://localhost/")).is_err());
    first.assert_idle();
    second.assert_idle();
}
