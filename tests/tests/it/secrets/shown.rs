//! `Debug` of the public types that hold a secret, and the errors of settings that contain one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use azure_core::credentials::TokenCredential as AzureTokenCredential;
use azure_identity::ClientSecretCredential;
use eventgrid_namespaces::push::Webhook as PushWebhook;
use eventgrid_namespaces::{CloudEvent, Context, NamespaceClient, SasToken};
use http::Method;
use hulft_webconnect::{ClientType, SiteClient};
use service_core::{
    AccessToken, AzureCredential, BearerToken, ConnectionString, Endpoint, Environment, HeaderKey, Secret,
    SystemClock, TokenRequest,
};
use service_emulator::eventgrid::PushSettings;
use service_emulator::webpubsub::EventHandlerSettings;
use webpubsub::client::Access;
use webpubsub::event_handler::{ConnectionState, EventHandler, UserEventResponse, Webhook};
use webpubsub::{Client, Credential, Message, Metadata, ServiceClient, Unauthorized};

use super::{
    ACCESS_KEY, API_KEY, BASE64_KEY, BODY, CLIENT_TOKEN, CONTROL, HEADER, METADATA, PASSWORD, PROXY, QUERY,
    SEGMENT, SHARED_KEY, SIGNATURE, STATE, TOKEN, clean, everything,
};

/// Accepts every event.
struct Accepting;

impl EventHandler for Accepting {}

/// Checks both forms of `Debug` of each value.
macro_rules! clean_debug {
    ($($value:expr),+ $(,)?) => {
        $({
            let value = &$value;
            clean(stringify!($value), &format!("{value:?}\n{value:#?}"));
        })+
    };
}

fn token() -> AccessToken {
    AccessToken::new(TOKEN, SystemTime::UNIX_EPOCH + Duration::from_secs(30_000_000_000))
}

fn service() -> ServiceClient {
    let builder = ServiceClient::builder("https://x.example", "chat", Credential::access_key(ACCESS_KEY));
    builder.proxy(format!("http://user:{PROXY}@proxy.example:3128")).build().unwrap()
}

#[test]
fn no_type_of_the_core_shows_its_secret() {
    let text = format!("Endpoint=https://x.example;AccessKey={ACCESS_KEY}");
    let connection_string = ConnectionString::parse(&text).unwrap();
    let environment = Environment::new(|_| Some(API_KEY.into()));
    let variable = environment.require("ROOMS_KEY").unwrap();
    let bearer = BearerToken::new(
        async |_: TokenRequest| Ok::<_, webpubsub::BoxError>(token()),
        TokenRequest::new(["scope"]),
        Arc::new(SystemClock::new()),
    );
    clean_debug!(
        Secret::new(PASSWORD),
        token(),
        bearer,
        connection_string,
        environment,
        variable,
        HeaderKey::authorization("Bearer", &Secret::new(API_KEY)).unwrap(),
    );
    let azure: Arc<dyn AzureTokenCredential> =
        ClientSecretCredential::new("tenant", "client".to_owned(), PASSWORD.into(), None).unwrap();
    clean_debug!(azure, AzureCredential::new(azure.clone()));
}

#[tokio::test]
async fn no_type_of_web_pubsub_shows_its_secret() {
    let service = service();
    let url = format!("wss://x.example/client/hubs/chat?access_token={CLIENT_TOKEN}");
    let access = service.client_access().user("ann").await.unwrap();
    let metadata = || Metadata::from([("note", METADATA)]);
    let handler = || Webhook::builder("chat", Accepting).access_key(ACCESS_KEY);
    clean_debug!(
        Credential::access_key(ACCESS_KEY),
        Credential::token(async |_: TokenRequest| Ok::<_, webpubsub::BoxError>(token())),
        ServiceClient::builder_from_connection_string(
            &format!("Endpoint=https://x;AccessKey={ACCESS_KEY}"),
            "chat"
        ),
        ServiceClient::builder("https://x", "chat", Credential::access_key(ACCESS_KEY))
            .proxy(format!("http://user:{PROXY}@proxy.example:3128"))
            .client_certificate(PASSWORD),
        service,
        service.group("lobby"),
        access,
        service.client_access().user("ann"),
        service.send_to_all(Message::text(BODY)).metadata(metadata()),
        service.group("lobby").send(Message::json(&BODY)).metadata(metadata()),
        service.user("ann").send(Message::binary(BODY)),
        service.request(Method::POST, "/api/{}", &[SEGMENT]).query("sig", QUERY).header("x-secret", HEADER),
        Message::text(BODY),
        metadata(),
        Access::url(url.as_str()),
        Client::builder(url.as_str()).proxy(format!("http://user:{PROXY}@proxy.example:3128")),
        Unauthorized::token(&url),
        service.explain_unauthorized(url.as_str()),
        ConnectionState::raw(STATE).unwrap(),
        UserEventResponse::text(BODY).metadata(metadata()),
        handler(),
        handler().build().unwrap(),
    );
}

#[test]
fn no_type_of_event_grid_shows_its_secret() {
    let signature = format!("r=https%3A%2F%2Fx.example&e=2030-01-01T00%3A00%3A00&s={SIGNATURE}");
    let key = || eventgrid_namespaces::Credential::access_key(SHARED_KEY);
    let namespace = NamespaceClient::new("https://x.example", key()).unwrap();
    let handler = |_: CloudEvent, _: Context| async {};
    let push = || PushWebhook::builder(handler).header_secret("x-secret", HEADER).query_secret("code", QUERY);
    let signed = SasToken::sign(
        BASE64_KEY,
        "https://x.example",
        SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000),
    );
    clean_debug!(
        key(),
        eventgrid_namespaces::Credential::sas_token(signature.as_str()),
        NamespaceClient::builder("https://x.example", key()),
        namespace,
        namespace.sender("orders"),
        namespace.receiver("orders", "billing"),
        namespace.receiver("orders", "billing").acknowledge([SEGMENT]),
        signed.unwrap(),
        push(),
        push().build().unwrap(),
    );
}

#[test]
fn no_type_of_hulft_shows_its_secret() {
    let site = SiteClient::new(API_KEY).unwrap();
    let connections = site.connections();
    clean_debug!(
        SiteClient::builder(API_KEY),
        site,
        site.agents(),
        connections.register("partner-a", PASSWORD, [ClientType::Hulft]),
        connections.update("partner-a").password(PASSWORD),
    );
}

#[tokio::test]
async fn no_type_of_the_emulator_shows_its_secret() {
    let builder = || service_emulator::Emulator::builder().control_token(CONTROL);
    let upstream = EventHandlerSettings::new(format!("http://127.0.0.1:9/{{event}}?AuthToken={QUERY}"));
    let push = PushSettings::new(format!("http://127.0.0.1:9/?code={QUERY}")).header("x-secret", HEADER);
    clean_debug!(builder(), upstream, push);
    let emulator = builder().start().await.unwrap();
    let pubsub = emulator.webpubsub();
    pubsub.set_access_keys(ACCESS_KEY, PASSWORD_LIKE_KEY).unwrap();
    emulator
        .eventgrid()
        .set_keys("cGxhbnRlZC1rZXktb25lLXBsYW50ZWQ=", "cGxhbnRlZC1rZXktdHdvLXBsYW50ZWQ=")
        .unwrap();
    pubsub.event_handler("chat", upstream).unwrap();
    emulator.eventgrid().declare_push("orders", "audit", push).unwrap();
    clean_debug!(emulator, pubsub, emulator.eventgrid(), emulator.hulft(), emulator.eventgrid().topics());
    assert!(!format!("{emulator:?} {:?}", emulator.eventgrid()).contains("cGxhbnRlZC1rZXkt"));
}

const PASSWORD_LIKE_KEY: &str = "planted-web-pubsub-key-2";

#[test]
fn no_error_of_a_setting_repeats_its_secret() {
    let endpoints = [format!("https://user:{QUERY}@x.example"), format!("https://x.example/?sig={QUERY}")];
    for text in &endpoints {
        clean("endpoint", &everything(&Endpoint::parse(text).unwrap_err()));
        let client = NamespaceClient::new(text, eventgrid_namespaces::Credential::access_key(SHARED_KEY));
        clean("namespace", &everything(&client.unwrap_err()));
    }
}
