//! Clients of the reliable JSON subprotocol: connected, lost, and recovered.

use serde_json::{Value, json};
use service_emulator::Emulator;

use super::clients::{Client, KEY, RELIABLE, client_claims, jwt, open};

/// A client and its reconnection token.
pub(crate) async fn connect(emulator: &Emulator, claims: Value) -> (Client, String) {
    let token = jwt(KEY, &client_claims(emulator, claims));
    let target = format!("/client/hubs/chat?access_token={token}");
    let socket = open(emulator, &target, Some(RELIABLE)).await.unwrap();
    let mut client = Client { socket, id: String::new(), user: None };
    let connected = client.frame().await;
    client.id = connected["connectionId"].as_str().unwrap().to_owned();
    (client, connected["reconnectionToken"].as_str().unwrap().to_owned())
}

/// Another socket for a connection, before any frame.
pub(crate) async fn reopen(emulator: &Emulator, id: &str, token: &str, protocol: &str) -> Client {
    let target = format!("/client/hubs/chat?awps_connection_id={id}&awps_reconnection_token={token}");
    let socket = open(emulator, &target, Some(protocol)).await.unwrap();
    Client { socket, id: id.to_owned(), user: None }
}

/// The connection on another socket.
pub(crate) async fn recover(emulator: &Emulator, id: &str, token: &str) -> Client {
    let mut client = reopen(emulator, id, token, RELIABLE).await;
    let connected = client.frame().await;
    assert_eq!((&connected["event"], &connected["connectionId"]), (&json!("connected"), &json!(id)));
    assert!(connected["reconnectionToken"].is_string());
    client
}

/// The sequence number and the text of the next message.
pub(crate) async fn message(client: &mut Client) -> (u64, String) {
    let frame = client.frame().await;
    (frame["sequenceId"].as_u64().unwrap(), frame["data"].as_str().unwrap().to_owned())
}

/// Drops the socket and waits until the service has noticed.
pub(crate) async fn lose(emulator: &Emulator, client: Client) -> String {
    let id = client.id.clone();
    drop(client);
    while emulator
        .webpubsub()
        .connections("chat")
        .iter()
        .any(|other| other.connection_id == id && other.online)
    {
        tokio::task::yield_now().await;
    }
    id
}
