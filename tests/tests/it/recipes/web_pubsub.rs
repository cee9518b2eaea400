//! The recipes for Web PubSub.

use std::collections::HashMap;

use axum::Router;
use serde_json::{Value, json};
use service_emulator::Emulator;
use service_emulator::webpubsub::{ClientToken, EventHandlerSettings, SystemEvent};
use webpubsub::event_handler::{EventHandler, Webhook};
use webpubsub::{Message, ServiceClient};
use workspace_tests::socket::Client;

use super::serve;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/negotiate.rs"]
mod negotiate;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/rooms.rs"]
mod rooms;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/send_to_user.rs"]
mod send_to_user;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/sign_out.rs"]
mod sign_out;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/switch_keys.rs"]
mod switch_keys;
#[path = "../../../../docs/recipes/without_network.rs"]
mod without_network;

fn service(emulator: &Emulator) -> ServiceClient {
    let text = emulator.webpubsub().connection_string();
    ServiceClient::from_connection_string(&text, "chat").unwrap()
}

async fn connect(emulator: &Emulator, user: &str) -> Client {
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new().user(user));
    Client::connect(&url).await.unwrap()
}

/// Serves a webhook as the event handler of the hub `chat`.
async fn attach(emulator: &Emulator, webhook: Webhook) {
    let address = serve(Router::new().route_service("/upstream", webhook)).await;
    let settings = EventHandlerSettings::new(format!("http://{address}/upstream"));
    emulator.webpubsub().event_handler("chat", settings.system_events([SystemEvent::Connect])).unwrap();
}

async fn attach_handler(emulator: &Emulator, handler: impl EventHandler) {
    let text = emulator.webpubsub().connection_string();
    attach(emulator, Webhook::builder("chat", handler).connection_string(&text).build().unwrap()).await;
}

/// Joins a group. Returns the name of the error, if the service rejects that.
async fn join(client: &mut Client, group: &str, ack_id: u64) -> Option<String> {
    client.send(&json!({ "type": "joinGroup", "group": group, "ackId": ack_id })).await.unwrap();
    let ack = client.json().await.unwrap();
    assert_eq!((&ack["type"], &ack["ackId"]), (&json!("ack"), &json!(ack_id)), "{ack}");
    ack["error"]["name"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_message_for_a_user_arrives_on_each_device_or_on_each_other_one() {
    let emulator = Emulator::start().await.unwrap();
    let service = service(&emulator);
    let (mut phone, mut tablet) = (connect(&emulator, "ann").await, connect(&emulator, "ann").await);
    let mut bob = connect(&emulator, "bob").await;
    send_to_user::order_shipped(&service, "ann", 1).await.unwrap();
    send_to_user::message_read(&service, "ann", &phone.connection_id, 7).await.unwrap();
    service.send_to_all("end").await.unwrap();

    async fn data(client: &mut Client) -> Value {
        client.json().await.unwrap()["data"].take()
    }
    assert_eq!([data(&mut phone).await, data(&mut phone).await], [json!({ "shipped": 1 }), json!("end")]);
    let expected = [json!({ "shipped": 1 }), json!({ "read": 7 }), json!("end")];
    assert_eq!([data(&mut tablet).await, data(&mut tablet).await, data(&mut tablet).await], expected);
    assert_eq!(data(&mut bob).await, "end");
}

#[tokio::test]
async fn signed_in_users_get_a_url_that_lets_them_into_the_lobby_and_others_get_401() {
    let emulator = Emulator::start().await.unwrap();
    let sessions = HashMap::from([("ann-1".to_owned(), "ann".to_owned())]);
    let app = negotiate::App { service: service(&emulator), sessions };
    let url = format!("http://{}/negotiate", serve(negotiate::router(app)).await);
    let client = reqwest::Client::new();
    assert_eq!(client.post(&url).send().await.unwrap().status(), 401);

    let response =
        client.post(&url).header("cookie", "theme=dark; session=ann-1; lang=en").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let mut ann = Client::connect(body["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(join(&mut ann, "lobby", 1).await, None);
    assert_eq!(join(&mut ann, "cellar", 2).await.as_deref(), Some("Forbidden"));
    assert!(service(&emulator).user("ann").exists().await.unwrap());
}

#[tokio::test]
async fn a_user_can_join_the_rooms_of_the_connect_event_and_those_that_are_granted_later() {
    let emulator = Emulator::start().await.unwrap();
    let rooms = HashMap::from([("ann".to_owned(), vec!["kitchen".to_owned()])]);
    attach_handler(&emulator, rooms::Rooms(rooms)).await;
    let service = service(&emulator);
    let mut ann = connect(&emulator, "ann").await;
    assert_eq!(join(&mut ann, "kitchen", 1).await, None);
    assert_eq!(join(&mut ann, "cellar", 2).await.as_deref(), Some("Forbidden"));
    rooms::admit(&service, &ann.connection_id, "cellar").await.unwrap();
    assert_eq!(join(&mut ann, "cellar", 3).await, None);
    rooms::expel(&service, "ann", "kitchen").await.unwrap();
    assert!(!service.group("kitchen").exists().await.unwrap());

    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new().user("bob"));
    assert!(Client::connect(&url).await.unwrap_err().to_string().contains("403"));
}

#[tokio::test]
async fn a_user_who_is_signed_out_is_disconnected_and_cannot_connect_with_the_same_url() {
    let emulator = Emulator::start().await.unwrap();
    let users = sign_out::SignedOut::default();
    attach_handler(&emulator, users.clone()).await;
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new().user("ann"));
    let mut ann = Client::connect(&url).await.unwrap();
    sign_out::sign_out(&service(&emulator), &users, "ann").await.unwrap();
    assert!(ann.ending(20).await.unwrap().message.unwrap().contains("signed out"));
    assert!(Client::connect(&url).await.unwrap_err().to_string().contains("401"));
    connect(&emulator, "bob").await;
}

#[tokio::test]
async fn a_server_with_both_keys_needs_one_restart_while_both_are_rotated() {
    let emulator = Emulator::start().await.unwrap();
    let pubsub = emulator.webpubsub();
    let start = async || {
        let (primary, secondary) = (pubsub.connection_string(), pubsub.secondary_connection_string());
        let webhook = switch_keys::webhook(&primary, &secondary, sign_out::SignedOut::default()).unwrap();
        pubsub.clear_event_handlers("chat");
        attach(&emulator, webhook).await;
        switch_keys::TwoKeys::new(&primary, &secondary, "chat").unwrap()
    };
    let sends = || emulator.requests().iter().filter(|request| request.target.contains(":send")).count();
    let server = start().await;
    let mut ann = connect(&emulator, "ann").await;
    server.send_to_all(Message::json(&0)).await.unwrap();

    let old_secondary = pubsub.secondary_access_key();
    pubsub.set_access_keys("a-new-primary-key", &old_secondary).unwrap();
    server.send_to_all(Message::json(&1)).await.unwrap();
    server.send_to_all(Message::json(&2)).await.unwrap();
    assert_eq!(sends(), 4, "only the first send with the key that was regenerated is rejected");
    connect(&emulator, "bob").await;

    let restarted = start().await;
    pubsub.set_access_keys("a-new-primary-key", "a-new-secondary-key").unwrap();
    restarted.send_to_all(Message::json(&3)).await.unwrap();
    connect(&emulator, "bob").await;
    for number in 0..=3 {
        assert_eq!(ann.json().await.unwrap()["data"], number);
    }
    let error = server.send_to_all(Message::json(&4)).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 401, "the server that was not restarted knows no valid key");
}
