//! The event `connect`, which an event handler decides, and the check of a handler's address.

use std::time::Duration;

use serde_json::{Value, json};
use service_emulator::Emulator;
use service_emulator::webpubsub::{EventHandlerSettings, SystemEvent, UserEvents};
use tokio_tungstenite::tungstenite::Error;

use super::common::clients::{Client, JSON, KEY, Socket, client_claims, jwt, open, rejection};
use super::common::webhook::Webhook;

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
            ("ce-id", "1"),
        ] {
            assert_eq!(call.header(name), Some(value), "{name}");
        }
        let connection = call.header("ce-connectionid").unwrap();
        assert_eq!(call.header("ce-source").unwrap(), format!("/hubs/chat/client/{connection}"));
        assert!(call.header("ce-time").unwrap().ends_with('Z'));
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
async fn a_rejection_or_an_invalid_response_of_the_handler_rejects_the_client() {
    let (emulator, mut webhook) = start().await;
    for (status, body, seen) in [
        (401, "", 401),
        (403, "no", 403),
        (500, "", 500),
        (302, "", 502),
        (200, "{", 502),
        (200, r#"{"subprotocol":"never offered"}"#, 502),
        (200, r#"{"groups":[""]}"#, 502),
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
    let (outcome, ()) = tokio::join!(connecting(&emulator, json!({}), Some(JSON)), async {
        drop(webhook.call().await);
    });
    assert_eq!(rejection(outcome), 502, "no response");
    assert!(emulator.webpubsub().connections("chat").is_empty());
}

#[tokio::test]
async fn a_handler_that_hangs_is_given_up_in_moved_time() {
    let (emulator, mut webhook) = start().await;
    let (outcome, _call) = tokio::join!(connecting(&emulator, json!({}), Some(JSON)), async {
        let call = webhook.call().await;
        emulator.clock().advance(Duration::from_secs(30));
        call
    });
    assert_eq!(rejection(outcome), 504);
}

#[tokio::test]
async fn an_address_is_checked_once_a_minute() {
    let (emulator, mut webhook) = start().await;
    for expected in [1, 1, 2] {
        let (_client, ()) =
            tokio::join!(Client::json(&emulator, json!({})), async { webhook.call().await.accept() });
        assert_eq!(webhook.checks(), expected);
        if expected == 1 {
            emulator.clock().advance(Duration::from_secs(40));
        }
    }
}

#[tokio::test]
async fn an_address_that_does_not_allow_the_service_is_not_called() {
    let (emulator, mut webhook) = start().await;
    webhook.allow("name.webpubsub.azure.com");
    for _ in 0..2 {
        assert_eq!(rejection(connecting(&emulator, json!({}), Some(JSON)).await), 502);
    }
    assert_eq!(webhook.checks(), 1, "the rejection is remembered");
    webhook.assert_idle();
    webhook.allow("name.webpubsub.azure.com, 127.0.0.1");
    emulator.clock().advance(Duration::from_secs(61));
    tokio::join!(Client::json(&emulator, json!({})), async { webhook.call().await.accept() });
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
    assert_eq!(client.frame().await["success"], true, "no handler is called");
    assert!(service.event_handler("chat", EventHandlerSettings::new("https://localhost/")).is_err());
    first.assert_idle();
    second.assert_idle();
}
