//! What the senders and receivers of one namespace share: connections, tokens, retry quota and settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{
    AccessToken, CloudEvent, Credential, Delivery, Error, NamespaceClient, StopReason, TokenCredential,
    TokenRequest,
};
use http::Response;
use service_core::testing::{ManualClock, ScriptedTransport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::namespace_builder;

fn event() -> CloudEvent {
    CloudEvent::builder("/s", "t").id("1").data_json("x").build().unwrap()
}

/// A credential that counts its tokens.
fn counted(tokens: &Arc<AtomicUsize>) -> Arc<dyn TokenCredential> {
    let tokens = Arc::clone(tokens);
    Arc::new(move |request: TokenRequest| {
        assert_eq!(request.scopes, ["https://eventgrid.azure.net/.default"]);
        tokens.fetch_add(1, Ordering::SeqCst);
        // Later than any run of this test.
        let expires_on = SystemTime::UNIX_EPOCH + Duration::from_secs(30_000_000_000);
        async move { Ok::<_, Error>(AccessToken::new("token", expires_on)) }
    })
}

/// Responds to each request of a connection. A request ends with its event, or with its headers if it has none.
async fn serve(mut stream: TcpStream) {
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        received.extend_from_slice(&buffer[..bytes]);
        if received.ends_with(b"}") || received.ends_with(b"\r\n\r\n") && find(&received, "content-length: 0")
        {
            let body = if find(&received, ":receive?") { r#"{"value":[]}"# } else { "{}" };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            received.clear();
        }
    }
}

fn find(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

#[tokio::test]
async fn a_hundred_senders_and_receivers_use_one_connection_and_one_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (endpoint, connections) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let accepted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    let tokens = Arc::new(AtomicUsize::new(0));
    let namespace = NamespaceClient::new(&endpoint, Credential::token(counted(&tokens))).unwrap();
    for number in 0..100 {
        namespace.clone().sender(format!("topic{number}")).send(event()).await.unwrap();
        let receiver = namespace.receiver(format!("topic{number}"), "billing");
        assert!(receiver.receive().await.unwrap().is_empty());
    }
    assert_eq!((connections.load(Ordering::SeqCst), tokens.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn senders_and_receivers_share_settings_and_retry_quota() {
    let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
    let builder = namespace_builder().transport(Arc::new(script.clone())).clock(Arc::new(clock));
    let namespace = builder.api_version("2023-11-01").app_id("shop").build().unwrap();
    script.respond(Response::new("{}")).respond(Response::new(r#"{"value":[]}"#));
    namespace.sender("orders").send(event()).await.unwrap();
    namespace.receiver("orders", "billing").receive().await.unwrap();
    for request in script.sent() {
        assert!(request.uri().query().unwrap().starts_with("api-version=2023-11-01"));
        assert!(request.headers()["user-agent"].to_str().unwrap().starts_with("shop eventgrid-namespaces/"));
    }
    let mut stopped_by = StopReason::Attempts;
    for number in 0..100 {
        for _ in 0..4 {
            script.fail(Delivery::Unknown);
        }
        let sender = namespace.sender(format!("topic{number}"));
        stopped_by = sender.send(event()).await.unwrap_err().stop_reason().unwrap();
        if stopped_by == StopReason::Quota {
            break;
        }
    }
    assert_eq!(stopped_by, StopReason::Quota, "no sender alone exhausts the quota");
}

#[tokio::test]
async fn an_invalid_name_is_reported_before_anything_is_sent() {
    let script = ScriptedTransport::new();
    let namespace = namespace_builder().transport(Arc::new(script.clone())).build().unwrap();
    for name in ["", ".", ".."] {
        let errors = [
            namespace.sender(name).send(event()).await.unwrap_err(),
            namespace.receiver(name, "billing").receive().await.unwrap_err(),
            namespace.receiver("orders", name).acknowledge(["t"]).await.unwrap_err(),
        ];
        assert!(errors.iter().all(Error::is_invalid_input), "{errors:?}");
    }
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_clone_of_a_credential_authenticates_another_client() {
    for credential in [
        Credential::access_key("k"),
        Credential::sas_token("r=x&e=y&s=z"),
        Credential::token(counted(&Arc::default())),
    ] {
        let sent = [credential.clone(), credential].map(|credential| {
            let script = ScriptedTransport::new();
            script.respond(Response::new("{}"));
            let builder = NamespaceClient::builder("https://x.example", credential);
            (builder.transport(Arc::new(script.clone())).build().unwrap(), script)
        });
        let mut headers = Vec::new();
        for (namespace, script) in sent {
            namespace.sender("orders").send(event()).await.unwrap();
            headers.push(script.sent().remove(0).headers()["authorization"].clone());
        }
        assert_eq!(headers[0], headers[1]);
    }
}
