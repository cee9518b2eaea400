//! Tests over real sockets against the emulator, and a test of the example `chat_client`.

use service_emulator::Emulator;
use service_emulator::webpubsub::ClientToken;
use webpubsub::Client;
use webpubsub::client::{Data, Event, Events, Protocol};

use super::text;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/chat_client.rs"]
mod chat_client;

async fn connect(emulator: &Emulator, user: &str, protocol: Protocol) -> (Client, Events) {
    let roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.room"];
    let token = roles.into_iter().fold(ClientToken::new().user(user), ClientToken::role);
    let url = emulator.webpubsub().client_access_url("chat", &token);
    let client = Client::builder(url).protocol(protocol).connect().await.unwrap();
    let mut events = client.events();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    (client, events)
}

#[tokio::test]
async fn clients_exchange_messages_in_a_group_and_missing_permissions_are_errors() {
    for protocol in [Protocol::JsonReliable, Protocol::Json] {
        exchange_messages(protocol).await;
    }
}

async fn exchange_messages(protocol: Protocol) {
    let emulator = Emulator::start().await.unwrap();
    let ((alice, mut hers), (bob, mut his)) =
        (connect(&emulator, "alice", protocol).await, connect(&emulator, "bob", protocol).await);
    alice.join_group("room").await.unwrap();
    bob.join_group("room").await.unwrap();
    alice.send_to_group("room", "to both").await.unwrap();
    alice.send_to_group("room", "to bob").no_echo().await.unwrap();
    bob.send_to_group("room", Data::json(&["json"]).unwrap()).fire_and_forget().await.unwrap();
    assert_eq!((text(&mut his).await, text(&mut his).await), ("to both".to_owned(), "to bob".to_owned()));
    assert_eq!(text(&mut hers).await, "to both");
    let Some(Event::GroupMessage(message)) = hers.next().await else { panic!("no message") };
    assert_eq!((message.group.as_str(), message.from_user_id.as_deref()), ("room", Some("bob")));
    assert_eq!(message.data, Data::json(&["json"]).unwrap());
    let error = alice.send_to_group("elsewhere", "x").await.unwrap_err();
    assert_eq!(error.code(), Some("Forbidden"), "{error}");
    bob.leave_group("room").await.unwrap();
    alice.close().await;
    emulator.webpubsub().wait_for_connections("chat", 1).await;
}

#[tokio::test]
async fn a_client_that_the_server_disconnects_reconnects_and_rejoins_its_groups() {
    for protocol in [Protocol::JsonReliable, Protocol::Json] {
        rejoin_after_close(protocol).await;
    }
}

async fn rejoin_after_close(protocol: Protocol) {
    let emulator = Emulator::start().await.unwrap();
    let (client, mut events) = connect(&emulator, "alice", protocol).await;
    client.join_group("room").await.unwrap();
    let service = emulator.webpubsub().connection_string();
    let service = webpubsub::ServiceClient::from_connection_string(&service, "chat").unwrap();
    service.user("alice").close_connections().reason("moving").await.unwrap();
    if protocol.is_reliable() {
        assert!(matches!(events.next().await, Some(Event::Recovering(_))));
    }
    let Some(Event::Disconnected(gone)) = events.next().await else { panic!("not disconnected") };
    assert_eq!(gone.reason, "moving");
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    client.send_to_group("room", "back").await.unwrap();
    assert_eq!(text(&mut events).await, "back");
}

#[tokio::test]
async fn an_invalid_token_is_rejected_and_not_shown() {
    let emulator = Emulator::start().await.unwrap();
    let url = format!("ws://{}/client/hubs/chat?access_token=planted", emulator.address());
    let error = Client::builder(url).protocol(Protocol::Json).connect().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 401);
    assert!(!format!("{error} {error:?}").contains("planted"));
}

#[tokio::test]
async fn the_chat_example_sends_lines_and_prints_what_others_send() {
    let emulator = Emulator::start().await.unwrap();
    let ((client, _own), (bob, mut his)) = (
        connect(&emulator, "alice", Protocol::JsonReliable).await,
        connect(&emulator, "bob", Protocol::JsonReliable).await,
    );
    bob.join_group("room").await.unwrap();
    let mut shown = Vec::new();
    let bob_replies = async {
        assert_eq!(text(&mut his).await, "hello");
        bob.send_to_group("room", "welcome").await.unwrap();
    };
    let (outcome, ()) = tokio::join!(chat_client::run(&client, &["hello"], 2, &mut shown), bob_replies);
    outcome.unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), "alice: hello\nbob: welcome\n");
}
