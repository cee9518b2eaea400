//! One secret is planted in every place for secrets, and searched for in every error, `Debug` output, and log line.

use std::io;
use std::sync::Mutex;

use tracing_subscriber::fmt::MakeWriter;

use super::server::{Server, client, nowhere, ok};
use super::*;
use crate::{ConnectionString, RawRequest, RetryOptions};

/// Everything that any crate logs at TRACE level.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Logged {
    fn watch(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

fn clean(what: &str, text: &str) {
    assert!(!text.contains(PLANTED), "{what}: {text}");
}

/// A call with the secret in its path, query, header, and body; the key also contains it.
fn loaded(pipeline: &Pipeline, method: Method) -> RawRequest {
    RawRequest::new(pipeline, method, "/rooms/{}", &[PLANTED])
        .query("sig", PLANTED)
        .body("text/plain", PLANTED)
        .header("x-secret", PLANTED)
        .retry(RetryOptions::default().max_retries(1).initial_backoff(Duration::ZERO))
}

#[tokio::test]
async fn no_failure_of_a_call_shows_a_secret_in_its_error_or_in_the_log() {
    let logged = Logged::default();
    let guard = logged.watch();
    let endpoints = [
        ("refused", nowhere().await),
        ("tls", Server::closing_after("").await.endpoint.replace("http:", "https:")),
        ("closed", Server::closing_after("").await.endpoint),
        ("no http", Server::closing_after("nonsense\r\n\r\n").await.endpoint),
        ("cut", Server::closing_after("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").await.endpoint),
        (
            "bad chunk",
            Server::closing_after("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
                .await
                .endpoint,
        ),
        (
            "redirect",
            Server::responding("HTTP/1.1 302 F\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n").await.endpoint,
        ),
        ("404", Server::responding("HTTP/1.1 404 N\r\ncontent-length: 0\r\n\r\n").await.endpoint),
        (
            "503",
            Server::responding("HTTP/1.1 503 N\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n")
                .await
                .endpoint,
        ),
        ("silent", Server::start(|mut connection| async move { connection.closed().await }).await.endpoint),
    ];
    for (name, endpoint) in &endpoints {
        let pipeline = client().build(endpoint, key()).unwrap();
        for method in [Method::POST, Method::PUT] {
            // Only the silent server lets time run out.
            let limit = if *name == "silent" { Duration::from_millis(20) } else { secs(30) };
            let error = loaded(&pipeline, method).attempt_timeout(limit).await.unwrap_err();
            clean(name, &everything(&error));
        }
    }
    let server = Server::responding(ok("fine")).await;
    loaded(&server.client(), Method::PUT).await.unwrap();
    drop(guard);
    let text = logged.text();
    assert!(text.contains("retrying") && text.contains("hyper_util"), "all targets are watched: {text}");
    clean("log", &text);
    assert!(server.seen()[0].matches(PLANTED).count() == 5, "the secrets were sent: {:?}", server.seen());
}

#[tokio::test]
async fn no_credential_shows_its_secret() {
    let logged = Logged::default();
    let guard = logged.watch();
    let token = async |_: TokenRequest| Ok::<_, crate::Error>(AccessToken::new(PLANTED, start() + secs(600)));
    let kit = Kit::signed(|client| client, |clock| BearerToken::new(token, TokenRequest::new(["s"]), clock));
    kit.script.status(401).status(401);
    let error = kit.send().await.unwrap_err();
    clean("error", &everything(&error));
    drop(guard);
    clean("log", &logged.text());
    let sent = kit.script.sent();
    assert_eq!(authorization(&sent[1]), format!("Bearer {PLANTED}"));
    clean("requests", &format!("{sent:?} {sent:#?}"));
    clean("key", &format!("{:?} {:#?}", key(), key()));
    let token = AccessToken::new(PLANTED, start());
    clean("token", &format!("{token:?} {token:#?}"));
}

#[test]
fn no_setting_shows_its_secret() {
    for text in [
        format!("Endpoint=https://x.example;AccessKey={PLANTED}"),
        format!("Endpoint=https://x.example;{PLANTED}=;"),
    ] {
        let parsed = ConnectionString::parse(&text).unwrap();
        clean("connection string", &format!("{parsed:?} {parsed:#?}"));
        clean("missing part", &everything(&parsed.require("Other").unwrap_err()));
    }
    for text in [
        format!("https://user:{PLANTED}@rooms.example"),
        format!("https://{PLANTED}@rooms.example/x"),
        format!("https://rooms.example/?sig={PLANTED}"),
        format!("Endpoint=https://rooms.example;AccessKey={PLANTED}"),
    ] {
        clean("endpoint", &everything(&Endpoint::parse(&text).unwrap_err()));
    }
    let client = client().proxy(format!("http://user:{PLANTED}@host")).client_certificate(PLANTED);
    clean("options", &format!("{:?} {:#?}", client.options, client.options));
    let kit = Kit::new();
    let call = kit.send().reason(PLANTED).header("x-secret", PLANTED);
    clean("call", &format!("{:?}", call.call));
    clean("raw call", &format!("{:?}", loaded(&kit.pipeline, Method::PUT)));
}
