//! The page at `/`: what it shows, and that it shows no secret, runs no script, and has no side effects.

use service_emulator::webpubsub::{ClientToken, SystemEvent};
use service_emulator::{Emulator, Fault};

use crate::common::{http, request_text};
use crate::webpubsub::common::webhook::Webhook;

const HOSTILE: &str = "<script>alert('x')</script>\"&\u{1b}[31m";

async fn page(emulator: &Emulator) -> String {
    let response =
        http(emulator, "GET", "/", &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], "").await;
    assert_eq!((response.status, response.header("content-type")), (200, Some("text/html; charset=utf-8")));
    response.body
}

async fn json(emulator: &Emulator) -> serde_json::Value {
    http(emulator, "GET", "/", &[("accept", "application/json")], "").await.json()
}

/// An emulator in which each service has something to show. The connection lives as long as the second value.
async fn busy() -> (Emulator, impl Sized) {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let token = ClientToken::new().user(HOSTILE).group("room").group(HOSTILE);
    let url = emulator.webpubsub().client_access_url("chat", &token);
    let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let publish = "/topics/orders:publish?api-version=2024-06-01";
    let authorization = format!("SharedAccessKey {}", emulator.eventgrid().key());
    let headers =
        [("authorization", authorization.as_str()), ("content-type", "application/cloudevents+json")];
    let event = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{}}"#;
    assert_eq!(http(&emulator, "POST", publish, &headers, event).await.status, 200);
    (emulator, socket)
}

#[tokio::test]
async fn it_shows_connections_topics_agents_and_the_last_requests() {
    let (emulator, _socket) = busy().await;
    let snapshot = json(&emulator).await;
    let hub = &snapshot["hubs"]["first"][0];
    assert_eq!((&hub["name"], &hub["connections"]["total"]), (&"chat".into(), &1.into()));
    assert_eq!(hub["groups"]["first"][1], serde_json::json!({ "name": "room", "connections": 1 }));
    let topic = &snapshot["topics"]["first"][0];
    let billing = serde_json::json!({ "name": "billing", "waiting": 1, "locked": 0, "dead_letters": 0 });
    assert_eq!((&topic["name"], &topic["subscriptions"]["first"][0]), (&"orders".into(), &billing));
    assert_eq!(snapshot["agents"]["total"], 4);
    let requests = snapshot["requests"].as_array().unwrap();
    let shown =
        |index: usize| ["verb", "outcome", "service"].map(|name| requests[index][name].as_str().unwrap());
    assert_eq!((shown(0), shown(1)), (["POST", "200", "eventgrid"], ["GET", "101", "webpubsub"]));
    let page = page(&emulator).await;
    for text in [
        "Hub chat",
        "room",
        "Topic orders, subscriptions: 1",
        "billing",
        "tokyo-send",
        "/topics/orders:publish",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[tokio::test]
async fn names_that_clients_choose_are_escaped() {
    let (emulator, _socket) = busy().await;
    let page = page(&emulator).await;
    let escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\\u{1b}[31m";
    assert!(page.contains(&format!("<td>{escaped}</td>")), "{page}");
    assert!(!page.contains("<script") && !page.contains('\u{1b}'));
    assert_eq!(json(&emulator).await["hubs"]["first"][0]["users"]["first"][0]["name"], HOSTILE);
}

#[tokio::test]
async fn it_holds_no_key_and_no_token() {
    let (emulator, _socket) = busy().await;
    let token = emulator.requests()[0].target.split("access_token=").nth(1).unwrap().to_owned();
    let (grid, service, site) = (emulator.eventgrid(), emulator.webpubsub(), emulator.hulft());
    let session = site.agents().remove(0).session_id;
    let keys = [
        grid.key(),
        grid.secondary_key(),
        service.access_key(),
        service.secondary_access_key(),
        site.api_key(),
    ];
    for text in [page(&emulator).await, json(&emulator).await.to_string()] {
        assert!(text.contains("access_token=***"));
        for secret in keys.iter().chain([&token, &session]) {
            assert!(!text.contains(secret.as_str()), "{secret}");
        }
    }
}

#[tokio::test]
async fn looking_at_it_leaves_no_trace_and_uses_up_no_fault() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::status(500));
    page(&emulator).await;
    assert!(json(&emulator).await["requests"].as_array().unwrap().is_empty());
    assert_eq!((emulator.requests().len(), emulator.faults().pending()), (0, 1));
    let head = crate::common::head(&emulator, request_text(&emulator, "HEAD", "/", &[], "").as_bytes()).await;
    assert_eq!(head.status, 200);
    assert_eq!(http(&emulator, "POST", "/", &[], "").await.status, 500, "no page, a request as any other");
}

#[tokio::test]
async fn the_end_of_a_web_socket_and_what_met_a_fault_are_shown() {
    let (emulator, socket) = busy().await;
    drop(socket);
    emulator.webpubsub().wait_for_connections("chat", 0).await;
    emulator.faults().push(Fault::status(503));
    http(&emulator, "GET", "/api/v2/agent/status?token=s3cret", &[], "").await;
    let ended = async || {
        let snapshot = json(&emulator).await;
        let events = snapshot["requests"].as_array().unwrap().clone();
        events.iter().any(|event| event["verb"] == "CLOSE").then_some(events)
    };
    // The hub removes a connection shortly before its socket ends.
    let events = loop {
        if let Some(events) = ended().await {
            break events;
        }
    };
    let fault = events.iter().find(|event| event["note"] == "fault").unwrap();
    assert_eq!(
        (&fault["outcome"], &fault["target"]),
        (&"503".into(), &"/api/v2/agent/status?token=***".into())
    );
    let close = events.iter().find(|event| event["verb"] == "CLOSE").unwrap();
    assert_eq!((&close["target"], &close["outcome"]), (&"/client/hubs/chat".into(), &"end".into()));
    assert!(close["note"].as_str().unwrap().starts_with("connection "));
}

#[tokio::test]
async fn calls_to_a_webhook_are_shown_without_the_query_of_its_url() {
    let (emulator, mut webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    emulator.webpubsub().event_handler("chat", webhook.handler(&[SystemEvent::Connect])).unwrap();
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new());
    let connecting = tokio::spawn(tokio_tungstenite::connect_async(url));
    let call = webhook.call().await;
    let event = format!("POST connect, connection {}, attempt 1", call.header("ce-connectionid").unwrap());
    call.respond(401, "", "");
    assert!(connecting.await.unwrap().is_err());
    let snapshot = json(&emulator).await;
    let events = snapshot["requests"].as_array().unwrap();
    let hooks: Vec<_> = events.iter().filter(|event| event["verb"] == "HOOK").collect();
    let shown =
        hooks.iter().map(|event| (event["note"].as_str().unwrap(), event["outcome"].as_str().unwrap()));
    assert_eq!(shown.collect::<Vec<_>>(), [(event.as_str(), "401"), ("OPTIONS validate, attempt 1", "200")]);
    let target = hooks[0]["target"].as_str().unwrap();
    assert!(target.starts_with("http://127.0.0.1:") && target.ends_with("/hubs/chat/connect"), "{target}");
}
