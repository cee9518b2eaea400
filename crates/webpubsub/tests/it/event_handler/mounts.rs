//! The webhook behind hyper and axum, over a real socket.

use std::time::Duration;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use service_core::{SystemClock, timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use webpubsub::event_handler::{UserEventResponse, Webhook};

use super::support::*;

async fn listener() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves one connection with hyper.
async fn hyper(webhook: Webhook) -> TcpStream {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(webhook);
        let served =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        // A client that is rejected early can disconnect before the end.
        let _ = served.await;
    });
    TcpStream::connect(address).await.unwrap()
}

async fn axum(app: axum::Router) -> TcpStream {
    let (listener, address) = listener().await;
    tokio::spawn(async move { axum::serve(listener, app).await });
    TcpStream::connect(address).await.unwrap()
}

/// The head of an event, without its end.
fn head(event_type: &str, signature: &str) -> String {
    let builder = unsigned(event_type).header("ce-signature", signature).header("Content-Type", "text/plain");
    let (head, ()) = builder.body(()).unwrap().into_parts();
    let mut text = "POST /upstream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".to_owned();
    for (name, value) in &head.headers {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text
}

async fn exchange(socket: &mut TcpStream, request: &str) -> String {
    socket.write_all(request.as_bytes()).await.unwrap();
    read_to_end(socket).await
}

/// Reads the response until the connection ends. A server that waits for more input fails the test.
async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut response = String::new();
    let read = socket.read_to_string(&mut response);
    timeout(&SystemClock::new(), Duration::from_secs(10), read).await.unwrap().unwrap();
    response
}

fn echo() -> Webhook {
    TestHandler::on_event(|_, event| Ok(UserEventResponse::text(event.text().unwrap_or_default()))).webhook()
}

#[tokio::test]
async fn hyper_serves_an_event_whose_body_comes_in_chunks() {
    let request = head("azure.webpubsub.user.x", SIGNATURES[0])
        + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    let response = exchange(&mut hyper(echo()).await, &request).await;
    assert!(response.starts_with("HTTP/1.1 200 OK") && response.ends_with("\r\n\r\nhello"), "{response}");
}

#[tokio::test]
async fn axum_serves_checks_and_events_as_a_route_and_as_its_fallback() {
    let check = "OPTIONS /upstream?event=validate HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
                 ce-awpsversion: 1.0\r\nWebHook-Request-Origin: a.example, b.example\r\n\r\n";
    let event = head("azure.webpubsub.user.x", SIGNATURES[0]) + "Content-Length: 5\r\n\r\nhello";
    for app in [
        || axum::Router::new().route_service("/upstream", echo()),
        || axum::Router::new().fallback_service(echo()),
    ] as [fn() -> axum::Router; 2]
    {
        let response = exchange(&mut axum(app()).await, check).await;
        assert!(
            response.starts_with("HTTP/1.1 200 OK") && response.contains("webhook-allowed-origin: *"),
            "{response}"
        );
        let response = exchange(&mut axum(app()).await, &event).await;
        assert!(response.starts_with("HTTP/1.1 200 OK") && response.ends_with("\r\n\r\nhello"), "{response}");
    }
}

#[tokio::test]
async fn a_request_that_the_service_did_not_send_is_not_found() {
    let preflight =
        "OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://page.example\r\nConnection: close\r\n\r\n";
    let response = exchange(&mut hyper(echo()).await, preflight).await;
    assert!(
        response.starts_with("HTTP/1.1 404 ") && !response.contains("webhook-allowed-origin"),
        "{response}"
    );
}

#[tokio::test]
async fn a_forged_event_is_rejected_while_its_body_is_still_awaited() {
    let forged = head("azure.webpubsub.user.x", SIGNATURES[1]) + "Content-Length: 1000\r\n\r\n";
    let response = exchange(&mut hyper(echo()).await, &forged).await;
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
}

#[tokio::test]
async fn a_body_whose_declared_length_is_too_large_is_rejected_while_it_is_still_awaited() {
    let large = head("azure.webpubsub.user.x", SIGNATURES[0]) + "Content-Length: 99999999\r\n\r\n";
    let response = exchange(&mut hyper(echo()).await, &large).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_rejected_before_its_end() {
    let webhook = TestHandler::accepting().builder().access_key(KEY).body_limit(9).build().unwrap();
    let endless = head("azure.webpubsub.user.x", SIGNATURES[0])
        + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n";
    let response = exchange(&mut hyper(webhook).await, &endless).await;
    assert!(
        response.starts_with("HTTP/1.1 413 ") && response.ends_with("the body exceeds 9 bytes"),
        "{response}"
    );
}

#[tokio::test]
async fn a_body_that_is_cut_off_reaches_no_handler() {
    let (handler, seen) = TestHandler::recording();
    let mut socket = hyper(handler.webhook()).await;
    let cut = head("azure.webpubsub.user.x", SIGNATURES[0]) + "Content-Length: 9\r\n\r\nhello";
    socket.write_all(cut.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let response = read_to_end(&mut socket).await;
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(seen.take().is_empty());
}
