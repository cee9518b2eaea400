//! Every example of the clients against the emulator: neither what they print nor their logs at TRACE level show a secret.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;
use eventgrid_namespaces::NamespaceClient;
use hulft_webconnect::SiteClient;
use service_emulator::Emulator;
use service_emulator::eventgrid::DeliveryStep;
use service_emulator::webpubsub::{ClientToken, EventHandlerSettings, SystemEvent};
use tokio::net::TcpListener;
use webpubsub::event_handler::{EventHandler, Webhook};
use webpubsub::{Client, Role, ServiceClient};
use workspace_tests::secrets::Secrets;
use workspace_tests::socket;

use crate::examples::{chat, eventgrid_identity, pubsub_identity, report};
use crate::hello;
use crate::logged::Logged;

macro_rules! examples {
    ($($name:ident = $path:literal),+ $(,)?) => {
        $(
            #[allow(dead_code, reason = "the test is its own `main`")]
            #[path = $path]
            mod $name;
        )+
        /// The paths of the examples that the test runs.
        const RUN: &[&str] = &[$($path),+];
    };
}

examples! {
    agents = "../../../../crates/hulft-webconnect/examples/agents.rs",
    chat_client = "../../../../crates/webpubsub/examples/chat_client.rs",
    publish = "../../../../crates/eventgrid-namespaces/examples/publish.rs",
    receive = "../../../../crates/eventgrid-namespaces/examples/receive.rs",
    request_response = "../../../../crates/webpubsub/examples/request_response.rs",
    send = "../../../../crates/webpubsub/examples/send.rs",
    token_stream = "../../../../crates/webpubsub/examples/token_stream.rs",
    webhook = "../../../../crates/webpubsub/examples/webhook.rs",
    who_is_online = "../../../../crates/webpubsub/examples/who_is_online.rs",
    worker = "../../../../crates/eventgrid-namespaces/examples/worker.rs",
}

/// The paths of the examples that are modules of other tests.
const SHARED: &[&str] = &[
    "crates/eventgrid-namespaces/examples/hello.rs",
    "crates/eventgrid-namespaces/examples/identity.rs",
    "crates/hulft-webconnect/examples/hello.rs",
    "crates/hulft-webconnect/examples/report.rs",
    "crates/webpubsub/examples/chat.rs",
    "crates/webpubsub/examples/hello.rs",
    "crates/webpubsub/examples/identity.rs",
];

#[test]
fn every_example_is_searched_for_secrets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("crates")).unwrap() {
        let examples = entry.unwrap().path().join("examples");
        for file in std::fs::read_dir(examples).into_iter().flatten() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let run: BTreeSet<_> =
        RUN.iter().chain(SHARED).map(|path| path.trim_start_matches("../").to_owned()).collect();
    assert_eq!(run, found);
}

/// Returns the token of the emulator.
#[derive(Debug)]
struct SignedIn(String);

#[async_trait::async_trait]
impl TokenCredential for SignedIn {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let expires_on = OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
        Ok(AccessToken::new(self.0.clone(), expires_on))
    }
}

async fn listener(emulator: &Emulator, hub: &str) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/upstream", listener.local_addr().unwrap());
    let settings = EventHandlerSettings::new(url).system_events([SystemEvent::Connect]);
    emulator.webpubsub().event_handler(hub, settings).unwrap();
    listener
}

fn hook(emulator: &Emulator, handler: impl EventHandler) -> Webhook {
    let text = emulator.webpubsub().connection_string();
    Webhook::builder("chat", handler).connection_string(&text).build().unwrap()
}

async fn client(service: &ServiceClient, roles: impl IntoIterator<Item = Role>) -> Client {
    let access = service.client_access().user("alice").roles(roles).await.unwrap();
    Client::builder(access).connect().await.unwrap()
}

/// Runs the examples of Web PubSub.
async fn web_pubsub(emulator: &Emulator, out: &mut Vec<u8>) {
    let text = emulator.webpubsub().connection_string();
    let service = ServiceClient::from_connection_string(&text, "chat").unwrap();
    hello::pubsub::greet(&service).await.unwrap();
    let identity = pubsub_identity::credential(Arc::new(SignedIn(emulator.webpubsub().entra_token())));
    let signed_in = ServiceClient::new(&emulator.endpoint(), "chat", identity).unwrap();
    signed_in.send_to_all("hello, world").await.unwrap();
    send::run(&service, out).await.unwrap();
    let room = [Role::join_leave_group("room"), Role::send_to_group("room")];
    chat_client::run(&client(&service, room).await, &["hello"], 1, out).await.unwrap();
    let states =
        [Role::join_leave_group("room"), Role::set_group_state("room"), Role::get_group_state("room")];
    who_is_online::run(&client(&service, states).await, 1, out).await.unwrap();
    let writer = client(&service, [Role::send_to_group("stories")]).await;
    let reader = client(&service, [Role::join_leave_group("stories")]).await;
    token_stream::run(&writer, &reader, &["Once ", "upon "], out).await.unwrap();

    let at = listener(emulator, "chat").await;
    let webhook = hook(emulator, request_response::Calculator);
    assert_eq!(request_response::run(&service, webhook, at).await.unwrap(), 3);
    emulator.webpubsub().clear_event_handlers("chat");
    let at = listener(emulator, "chat").await;
    let app = webhook::app(hook(emulator, webhook::Chat));
    tokio::spawn(async move { axum::serve(at, app).await });
    let token = ClientToken::new().user("carol").group("room");
    let url = emulator.webpubsub().client_access_url("chat", &token);
    drop(socket::Client::connect(&url).await.unwrap());
    emulator.webpubsub().clear_event_handlers("chat");
    let at = listener(emulator, "chat").await;
    let webhook = hook(emulator, chat::Chat(service.clone()));
    out.extend(chat::run(&service, webhook, at).await.unwrap().into_bytes());
}

/// Runs the examples of Event Grid.
async fn event_grid(emulator: &Emulator, out: &mut Vec<u8>) {
    emulator.eventgrid().declare("orders", "billing");
    let key = eventgrid_namespaces::Credential::access_key(emulator.eventgrid().key());
    let namespace = NamespaceClient::new(&emulator.endpoint(), key).unwrap();
    let (sender, receiver) = (namespace.sender("orders"), namespace.receiver("orders", "billing"));
    hello::eventgrid::greet(&sender).await.unwrap();
    let identity = eventgrid_identity::credential(Arc::new(SignedIn(emulator.eventgrid().bearer_token())));
    let signed_in = NamespaceClient::new(&emulator.endpoint(), identity).unwrap();
    eventgrid_identity::publish(&signed_in.sender("orders")).await.unwrap();
    publish::run(&sender, out).await.unwrap();
    receive::run(&receiver, out).await.unwrap();
    let (steps, mut seen) = tokio::sync::mpsc::unbounded_channel();
    emulator.eventgrid().observe("orders", "billing", move |observation| {
        let _ = steps.send(observation.step);
    });
    let settled = async { while seen.recv().await.is_some_and(|step| step == DeliveryStep::Locked) {} };
    worker::processor(receiver).unwrap().run_until(settled).await.unwrap();
}

/// Runs the examples of HULFT-WebConnect.
async fn hulft(emulator: &Emulator, out: &mut Vec<u8>) {
    let key = emulator.hulft().api_key();
    let site = SiteClient::builder(key).endpoint(emulator.endpoint()).build().unwrap();
    hello::hulft::list_agents(&site, out).await.unwrap();
    report::run(&site, out).await.unwrap();
    let session = emulator.hulft().agents().remove(0).session_id;
    agents::run(&site, &mut Cursor::new(format!("{session}\nyes\n")), out).await.unwrap();
}

#[test]
fn no_example_shows_a_key_or_a_token() {
    Logged::during(async |logged| {
        let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
        let mut out = Vec::new();
        web_pubsub(&emulator, &mut out).await;
        event_grid(&emulator, &mut out).await;
        hulft(&emulator, &mut out).await;
        let mut secrets = Secrets::default();
        secrets.plant("access key of Web PubSub", &emulator.webpubsub().access_key());
        secrets.plant("access key of Event Grid", &emulator.eventgrid().key());
        secrets.plant("API key of HULFT", &emulator.hulft().api_key());
        secrets.plant_token("token of Entra ID", &emulator.webpubsub().entra_token());
        let mut tokens = 0;
        for request in emulator.requests() {
            let authorization = request.headers.get("authorization").map(|value| value.to_str().unwrap());
            for token in authorization.into_iter().filter(|value| value.contains(".")) {
                secrets.plant_token("signed token", token);
                tokens += 1;
            }
        }
        assert!(tokens > 10, "only {tokens} requests with a token");
        let (out, log) = (String::from_utf8(out).unwrap(), logged.text());
        assert!(log.contains("service_core") && log.contains("webpubsub::client"), "{log}");
        secrets.assert_absent("output", &out);
        secrets.assert_absent("log", &log);
        let tokens: Vec<_> = log.lines().chain(out.lines()).filter(|line| line.contains("eyJ")).collect();
        assert!(tokens.is_empty(), "{tokens:#?}");
    });
}
