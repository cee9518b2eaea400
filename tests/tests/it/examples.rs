//! The examples that need more than one part: on the emulator, or with a credential of `azure_identity` that asks no cloud.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Output};
use std::sync::{Arc, Mutex};

use azure_identity::{DeveloperToolsCredential, DeveloperToolsCredentialOptions, Executor};
use hulft_webconnect::SiteClient;
use service_emulator::Emulator;
use service_emulator::webpubsub::{ClientToken, EventHandlerSettings};
use webpubsub::ServiceClient;
use webpubsub::event_handler::Webhook;
use workspace_tests::socket::Client;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../crates/webpubsub/examples/chat.rs"]
pub(crate) mod chat;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../crates/eventgrid-namespaces/examples/identity.rs"]
pub(crate) mod eventgrid_identity;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../crates/webpubsub/examples/identity.rs"]
pub(crate) mod pubsub_identity;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../crates/hulft-webconnect/examples/report.rs"]
pub(crate) mod report;

/// Replaces the command line tools: records the commands that it is asked to run, and responds as `az` does.
#[derive(Debug)]
struct Az {
    token: String,
    asked: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Executor for Az {
    async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let line = args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ");
        self.asked.lock().unwrap().push(line);
        let token = &self.token;
        let response =
            serde_json::json!({"accessToken": token, "expires_on": 4_000_000_000_u64, "tokenType": "Bearer"});
        Ok(Output {
            status: ExitStatus::default(),
            stdout: response.to_string().into_bytes(),
            stderr: Vec::new(),
        })
    }
}

/// The credential of the examples, signed in, and what it runs.
fn signed_in(token: String) -> (Arc<DeveloperToolsCredential>, Arc<Az>) {
    let az = Arc::new(Az { token, asked: Mutex::default() });
    let options = DeveloperToolsCredentialOptions { executor: Some(az.clone()) };
    (DeveloperToolsCredential::new(Some(options)).unwrap(), az)
}

#[tokio::test]
async fn what_a_client_says_to_the_webhook_everyone_in_the_room_hears() {
    let emulator = Emulator::start().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}/upstream", listener.local_addr().unwrap());
    emulator.webpubsub().event_handler("chat", EventHandlerSettings::new(upstream)).unwrap();
    let token = ClientToken::new().user("carol").group("room");
    let mut carol = Client::connect(&emulator.webpubsub().client_access_url("chat", &token)).await.unwrap();
    let text = emulator.webpubsub().connection_string();
    let service = ServiceClient::from_connection_string(&text, "chat").unwrap();
    let webhook =
        Webhook::builder("chat", chat::Chat(service.clone())).connection_string(&text).build().unwrap();
    // Carol hearing nothing ends it; bob alone would wait for good.
    let (shown, received) = tokio::try_join!(chat::run(&service, webhook, listener), carol.json()).unwrap();
    assert_eq!(received["data"], "alice: hello, bob");
    assert_eq!(shown, "bob received alice: hello, bob");
}

#[tokio::test]
async fn who_is_signed_in_with_the_command_line_tools_greets_everyone_in_the_hub() {
    let emulator = Emulator::start().await.unwrap();
    let mut client =
        Client::connect(&emulator.webpubsub().client_access_url("chat", &ClientToken::new())).await.unwrap();
    let (signed_in, az) = signed_in(emulator.webpubsub().entra_token());
    let credential = pubsub_identity::credential(signed_in);
    let service = ServiceClient::new(&emulator.endpoint(), "chat", credential).unwrap();
    service.send_to_all("hello, world").await.unwrap();
    assert_eq!(client.json().await.unwrap()["data"], "hello, world");
    assert!(az.asked.lock().unwrap()[0].contains("https://webpubsub.azure.com/.default"));
}

#[tokio::test]
async fn who_is_signed_in_with_the_command_line_tools_publishes_an_event() {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let (signed_in, az) = signed_in(emulator.eventgrid().bearer_token());
    let credential = eventgrid_identity::credential(signed_in);
    let sender = eventgrid_namespaces::Sender::new(&emulator.endpoint(), "orders", credential).unwrap();
    eventgrid_identity::publish(&sender).await.unwrap();
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    assert!(az.asked.lock().unwrap()[0].contains("https://eventgrid.azure.net/.default"));
}

#[tokio::test]
async fn the_report_counts_the_transfers_of_each_connected_agent() {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    let site = SiteClient::builder(emulator.hulft().api_key()).endpoint(emulator.endpoint()).build().unwrap();
    let mut shown = Vec::new();
    report::run(&site, &mut shown).await.unwrap();
    let shown = String::from_utf8(shown).unwrap();
    let row =
        |id| shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|row| row[0] == id);
    // 50 transfers, the n-th of n thousand bytes, but each tenth failed with none.
    let bytes: u32 = (1..=50).filter(|n| n % 10 != 0).map(|n| n * 1000).sum();
    for agent in ["tokyo-send", "california-receive"] {
        assert_eq!(row(agent).unwrap()[2..], ["50", "5", &bytes.to_string()], "{shown}");
    }
    assert_eq!(row("tokyo-receive").unwrap()[2..], ["0", "0", "0"], "{shown}");
}
