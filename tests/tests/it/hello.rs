//! The least program of each client, on the emulator.

use eventgrid_namespaces::{Credential, Sender};
use hulft_webconnect::SiteClient;
use service_emulator::Emulator;
use service_emulator::webpubsub::ClientToken;
use webpubsub::ServiceClient;
use workspace_tests::socket::Client;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../crates/eventgrid-namespaces/examples/hello.rs"]
pub(crate) mod eventgrid;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../crates/hulft-webconnect/examples/hello.rs"]
pub(crate) mod hulft;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../crates/webpubsub/examples/hello.rs"]
pub(crate) mod pubsub;

#[tokio::test]
async fn everyone_in_the_hub_is_greeted() {
    let emulator = Emulator::start().await.unwrap();
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new());
    let mut client = Client::connect(&url).await.unwrap();
    let text = emulator.webpubsub().connection_string();
    pubsub::greet(&ServiceClient::from_connection_string(&text, "chat").unwrap()).await.unwrap();
    assert_eq!(client.json().await.unwrap()["data"], "hello, world");
}

#[tokio::test]
async fn the_greeting_is_in_the_topic() {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let key = Credential::access_key(emulator.eventgrid().key());
    eventgrid::greet(&Sender::new(&emulator.endpoint(), "orders", key).unwrap()).await.unwrap();
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
}

#[tokio::test]
async fn the_agents_are_listed() {
    let emulator = Emulator::start().await.unwrap();
    emulator.hulft().add_sample_agents();
    let site = SiteClient::builder(emulator.hulft().api_key()).endpoint(emulator.endpoint()).build().unwrap();
    let mut out = Vec::new();
    hulft::list_agents(&site, &mut out).await.unwrap();
    let agents = emulator.hulft().agents().len();
    assert!(agents > 0 && String::from_utf8(out).unwrap().lines().count() == agents);
}
