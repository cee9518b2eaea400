//! Invocations against the emulator and its event handlers, and against a scripted service; and the example
//! `request_response`.

use std::future::IntoFuture;

use service_emulator::webpubsub::{ClientToken, EventHandlerSettings, UserEvents};
use service_emulator::{Emulator, SocketFault};
use tokio::net::TcpListener;
use webpubsub::client::{Data, Protocol};
use webpubsub::event_handler::{
    Context, EventHandler, HandlerError, Result as HandlerResult, UserEvent, UserEventResponse, Webhook,
};
use webpubsub::{ErrorKind, ServiceClient};

use super::*;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/request_response.rs"]
mod example;

/// Responds with what it receives, and rejects the event `reject`.
struct Echo;

#[async_trait::async_trait]
impl EventHandler for Echo {
    async fn user_event(&self, _: &Context, event: UserEvent) -> HandlerResult<UserEventResponse> {
        use webpubsub::event_handler::Data as Received;
        match (event.name(), event.data()) {
            ("reject", _) => Err(HandlerError::bad_request("not today")),
            ("empty", _) => Ok(UserEventResponse::none()),
            (_, Received::Text(text)) => Ok(UserEventResponse::text(text.clone())),
            (_, Received::Json(_)) => Ok(UserEventResponse::json(&event.json::<serde_json::Value>()?)?),
            (_, data) => Ok(UserEventResponse::binary(data.as_bytes().to_vec())),
        }
    }
}

/// Serves a webhook, and registers it with the emulator.
async fn serve(emulator: &Emulator, handler: impl EventHandler) -> (Webhook, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/upstream", listener.local_addr().unwrap());
    let settings = EventHandlerSettings::new(url).user_events(UserEvents::All);
    emulator.webpubsub().event_handler("chat", settings).unwrap();
    let webhook = Webhook::builder("chat", handler).access_key(emulator.webpubsub().access_key());
    (webhook.build().unwrap(), listener)
}

async fn with_echo(emulator: &Emulator) {
    let (webhook, listener) = serve(emulator, Echo).await;
    let app = axum::Router::new().route_service("/upstream", webhook);
    tokio::spawn(axum::serve(listener, app).into_future());
}

async fn connect(emulator: &Emulator, protocol: Protocol) -> Client {
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new().user("ann"));
    Client::builder(url).protocol(protocol).connect().await.unwrap()
}

#[cfg(feature = "protobuf")]
const PROTOCOLS: [Protocol; 4] =
    [Protocol::JsonReliable, Protocol::Json, Protocol::ProtobufReliable, Protocol::Protobuf];
#[cfg(not(feature = "protobuf"))]
const PROTOCOLS: [Protocol; 2] = [Protocol::JsonReliable, Protocol::Json];

#[tokio::test]
async fn data_of_each_kind_comes_back_in_each_subprotocol() {
    let emulator = Emulator::start().await.unwrap();
    with_echo(&emulator).await;
    for protocol in PROTOCOLS {
        let client = connect(&emulator, protocol).await;
        let response = client.invoke("echo", &[1, 2]).await.unwrap();
        assert_eq!(response.json::<Vec<u8>>().unwrap(), [1, 2], "{protocol:?}");
        let response = client.invoke_data("echo", "hello").await.unwrap();
        assert_eq!(response.as_text(), Some("hello"), "{protocol:?}");
        let response = client.invoke_data("echo", vec![1, 2, 3]).await.unwrap();
        assert_eq!(response.data, Some(Data::from(vec![1, 2, 3])), "{protocol:?}");
        assert_eq!(client.invoke("empty", &()).await.unwrap().data, None, "{protocol:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_handler_and_a_missing_handler_are_errors_with_a_name() {
    let emulator = Emulator::start().await.unwrap();
    let client = connect(&emulator, Protocol::JsonReliable).await;
    let error = client.invoke("sum", &[1]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, Some("InternalServerError")), "{error}");
    with_echo(&emulator).await;
    let error = client.invoke("reject", &[1]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service);
    assert!(error.code().is_some() && !error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_response_leaves_the_outcome_unknown() {
    let emulator = Emulator::start().await.unwrap();
    with_echo(&emulator).await;
    let client = connect(&emulator, Protocol::JsonReliable).await;
    let fault = SocketFault::drop_connection().at_received(1).after_processing();
    emulator.faults().push_socket(fault);
    let error = client.invoke("echo", &[1]).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    client.invoke("echo", &[2]).await.unwrap();
}

#[tokio::test]
async fn invalid_invocations_send_nothing() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    assert!(client.invoke("1", &[1]).await.unwrap_err().is_invalid_input());
    assert!(client.invoke_data("sum", "x".repeat(1 << 20)).await.unwrap_err().is_invalid_input());
    let unserializable = std::collections::HashMap::from([((1, 2), 3)]);
    assert!(client.invoke("sum", &unserializable).await.unwrap_err().is_invalid_input());
    let _sending = tokio::spawn(client.send_event("next", "x").into_future());
    assert_eq!(peer.json().await["type"], "event");
}

#[tokio::test]
async fn a_dropped_invocation_is_cancelled_at_the_service_and_a_completed_one_is_not() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let invoking = tokio::spawn(client.invoke("slow", &()).into_future());
    let invoke = peer.json().await;
    assert_eq!((&invoke["type"], &invoke["target"]), (&"invoke".into(), &"event".into()));
    invoking.abort();
    let cancel = peer.json().await;
    assert_eq!(cancel["type"], "cancelInvocation");
    assert_eq!(cancel["invocationId"], invoke["invocationId"]);
    let invoking = tokio::spawn(client.invoke("fast", &()).into_future());
    let id = peer.json().await["invocationId"].clone();
    peer.send(&format!(r#"{{"type":"invokeResponse","invocationId":{id},"success":true}}"#)).await;
    invoking.await.unwrap().unwrap();
    let _sending = tokio::spawn(client.send_event("next", "x").into_future());
    assert_eq!(peer.json().await["type"], "event");
}

#[tokio::test]
async fn an_invocation_that_times_out_is_cancelled_at_the_service() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let invoking = tokio::spawn(client.invoke("slow", &()).timeout(Duration::from_secs(3)).into_future());
    assert_eq!(peer.json().await["type"], "invoke");
    bed.pass(Duration::from_secs(3)).await;
    let error = invoking.await.unwrap().unwrap_err();
    assert!(error.is_timeout() && error.outcome_unknown(), "{error}");
    assert_eq!(peer.json().await["type"], "cancelInvocation");
}

#[tokio::test]
async fn the_example_receives_the_response_of_the_webhook() {
    let emulator = Emulator::start().await.unwrap();
    let (webhook, listener) = serve(&emulator, example::Calculator).await;
    let service = emulator.webpubsub().connection_string();
    let service = ServiceClient::from_connection_string(&service, "chat").unwrap();
    assert_eq!(example::run(&service, webhook, listener).await.unwrap(), 3);
}
