//! Log lines: they contain the reason of each rejection, and never a secret.

use std::io;

use webpubsub::event_handler::{ConnectResponse, ConnectionState, HandlerError};

use super::support::*;
use crate::common::Log;

#[tokio::test]
async fn a_rejection_is_logged_with_its_reason() {
    let (log, _guard) = Log::collect();
    let webhook = TestHandler::accepting().builder().access_key(KEY).allowed_origin(ORIGIN).build().unwrap();
    let mut request = connect("{}");
    request.headers_mut().insert("WebHook-Request-Origin", "foreign.example".parse().unwrap());
    respond(&webhook, request).await;
    let text = log.text();
    assert!(
        text.contains("WARN") && text.contains("foreign.example") && text.contains("status=401"),
        "{text}"
    );
}

#[tokio::test]
async fn a_failing_handler_is_logged_with_its_reason_and_connection() {
    let (log, _guard) = Log::collect();
    let handler =
        TestHandler::on_connect(|_, _| Err(HandlerError::from(io::Error::other("the database is away"))));
    respond(&handler.webhook(), connect("{}")).await;
    let text = log.text();
    assert!(
        text.contains("ERROR") && text.contains("the database is away") && text.contains("conn1"),
        "{text}"
    );
}

#[tokio::test]
async fn the_rejection_of_another_hub_is_logged_with_both_names() {
    let (log, _guard) = Log::collect();
    let mut request = connect("{}");
    request.headers_mut().insert("ce-hub", "other".parse().unwrap());
    respond(&TestHandler::accepting().webhook(), request).await;
    let text = log.text();
    assert!(text.contains("WARN") && text.contains("other") && text.contains("chat"), "{text}");
}

#[tokio::test]
async fn no_secret_is_logged_or_shown() {
    let (log, _guard) = Log::collect();
    let handler = TestHandler::on_connect(|context, request| {
        tracing::info!("{context:?} {request:?}");
        Ok(ConnectResponse::accept().state(ConnectionState::raw("planted-state")?))
    });
    let webhook = handler.webhook();
    let secrets = r#"{"query":{"access_token":["planted"]},"claims":{"sub":["planted"]}}"#;
    for body in [secrets, "planted", r#"{"claims":"planted"}"#] {
        for signature in [SIGNATURES[0], "sha256=planted"] {
            let builder = unsigned("azure.webpubsub.sys.connect").header("ce-signature", signature);
            let builder =
                builder.header("ce-connectionState", "planted").header("Authorization", "Bearer planted");
            let request = with_body(builder.header("Cookie", "planted"), JSON, body);
            tracing::info!("{webhook:?} {:?}", webhook.check(request.method(), request.headers()));
            let response = respond(&webhook, request).await;
            tracing::info!("{:?} {:?}", response.headers(), response.body());
        }
    }
    let text = log.text();
    assert!(text.contains("access_token") && text.contains("conn1"), "{text}");
    assert!(!text.contains("planted") && !text.contains(&SIGNATURES[0][7..]), "{text}");
}
