//! The default transport against servers that misbehave: how far it reports a request to have got.

use super::server::{Connection, Server, client, nowhere, ok};
use super::*;
use crate::error::{Delivery, ErrorKind, MAX_ERROR_BODY_BYTES, StopReason};
use crate::{RawRequest, RetryOptions};

/// Not idempotent, with a response of limited size.
static ASK: Operation =
    Operation::new("AskRoom", Method::POST, "/rooms/{room}/:ask").max_response_bytes(64 * 1024);

fn ask(pipeline: &Pipeline) -> Rooms {
    call(pipeline, &ASK)
}

#[tokio::test]
async fn a_refused_connection_sent_nothing_and_is_retried() {
    let pipeline = client().build(&nowhere().await, key()).unwrap();
    let error = ask(&pipeline).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Transport, Some(Delivery::NotSent)));
    assert_eq!((error.attempts(), error.stop_reason()), (4, Some(StopReason::Attempts)));
    assert!(error.to_string().contains("AskRoom: could not connect to 127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_broken_tls_handshake_sent_nothing() {
    let server = Server::closing_after("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let endpoint = server.endpoint.replace("http:", "https:");
    let pipeline = client().retry(RetryOptions::none()).build(&endpoint, key()).unwrap();
    let error = ask(&pipeline).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Transport, Some(Delivery::NotSent)));
}

#[tokio::test]
async fn a_connection_that_closes_without_a_response_leaves_the_outcome_unknown() {
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let server = Server::closing_after(begun).await;
        let pipeline = server.client();
        let error = ask(&pipeline).await.unwrap_err();
        assert!(error.outcome_unknown() && error.status().is_none(), "{error}");
        assert_eq!((server.seen().len(), error.attempts()), (1, 1), "{error}");
        let error = call(&pipeline, &GET).await.unwrap_err();
        assert_eq!((server.seen().len(), error.attempts()), (5, 4), "{error}");
    }
}

#[tokio::test]
async fn a_response_that_is_not_http_leaves_the_outcome_unknown() {
    // The second one is what a TLS server sends.
    for bytes in [&b"SSH-2.0-OpenSSH\r\n\r\n"[..], b"\x15\x03\x03\x00\x02\x02\x28"] {
        let server = Server::closing_after(bytes).await;
        let error = ask(&server.client()).await.unwrap_err();
        assert!(error.outcome_unknown() && server.seen().len() == 1, "{error}");
        let (text, hint) =
            (format!("the server at {} does not speak HTTP: ", server.address), "begin with `https`");
        assert!(error.to_string().contains(&text) && error.to_string().contains(hint), "{error}");
    }
}

#[tokio::test]
async fn a_success_with_a_cut_body_was_accepted() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let server = Server::closing_after(cut).await;
        let error = ask(&server.client()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::Transport, Some(Delivery::Accepted)));
        assert_eq!((error.status().unwrap().as_u16(), server.seen().len()), (200, 1));
        let text = format!("AskRoom: 200 OK, the response from {} was cut off: ", server.address);
        assert!(error.to_string().starts_with(&text), "{error}");
        let error = call(&server.client(), &GET).await.unwrap_err();
        assert_eq!(error.attempts(), 4, "an idempotent call is retried");
    }
}

#[tokio::test]
async fn a_success_whose_body_never_ends_was_accepted_and_is_not_retried_if_it_carries_nothing() {
    let server = Server::responding("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned()).await;
    let pipeline = server.client();
    let mut publish = Call::new(&pipeline, &ASK, &[("room", "blue")], read::unit);
    publish.options_mut().set_idempotent(true);
    publish.options_mut().set_attempt_timeout(Duration::from_millis(100));
    let error = publish.send().await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Timeout, Some(Delivery::Accepted)));
    assert!(error.outcome_unknown() && server.seen().len() == 1, "{error}");
    assert!(error.to_string().contains("the response was not complete within 100"), "{error}");
}

#[tokio::test]
async fn an_error_status_with_a_cut_body_keeps_status_and_text() {
    let server =
        Server::closing_after("HTTP/1.1 409 Conflict\r\ncontent-length: 100\r\n\r\nhalf of it").await;
    let error = ask(&server.client()).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.delivery()), (409, Some(Delivery::Responded)));
    assert_eq!(error.body(), "half of it");
}

/// Sends chunks of 64 KiB until the client closes the connection, and their number to the channel.
async fn flood(
    mut connection: Connection,
    head: &'static str,
    sent: tokio::sync::mpsc::UnboundedSender<u32>,
) {
    connection.request().await;
    connection.write(head.as_bytes()).await;
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let mut chunks = 0;
    while chunks < 4096 && connection.write(&chunk).await {
        chunks += 1;
    }
    let _ = sent.send(chunks);
}

#[tokio::test]
async fn a_response_over_its_limit_is_an_error_and_is_not_read_to_its_end() {
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = Server::start(move |connection| flood(connection, head, sender.clone())).await;
    let error = ask(&server.client()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::ResponseTooLarge, Some(Delivery::Accepted)));
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (200, 1));
    // The server offered 256 MiB. What it sent beyond the limit was in the buffers of the sockets.
    assert!(sent.recv().await.unwrap() < 1024);
    let error = call(&server.client(), &GET).await.unwrap_err();
    assert_eq!(error.attempts(), 1, "it would be too large again");
}

#[tokio::test]
async fn a_response_of_exactly_the_limit_is_returned() {
    let body = "x".repeat(64 * 1024);
    let server = Server::responding(ok(&body)).await;
    assert_eq!(ask(&server.client()).await.unwrap().len(), body.len());
    let server = Server::responding(ok(&format!("{body}y"))).await;
    assert_eq!(ask(&server.client()).await.unwrap_err().kind(), ErrorKind::ResponseTooLarge);
}

#[tokio::test]
async fn of_an_endless_error_64_kib_are_kept() {
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let head = "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = Server::start(move |connection| flood(connection, head, sender.clone())).await;
    let error = ask(&server.client()).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.body().len()), (403, MAX_ERROR_BODY_BYTES));
    assert!(error.to_string().len() < 600);
    assert!(sent.recv().await.unwrap() < 1024);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::responding(ok("")).await;
    let target =
        format!("HTTP/1.1 307 Elsewhere\r\nlocation: {}/x\r\ncontent-length: 0\r\n\r\n", other.endpoint);
    let server = Server::responding(target).await;
    let error = call(&server.client(), &GET).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 307);
    assert_eq!((server.seen().len(), other.connections()), (1, 0));
}

#[tokio::test]
async fn a_body_that_is_not_text_is_kept_verbatim() {
    let server =
        Server::responding(b"HTTP/1.1 400 Bad\r\ncontent-length: 3\r\n\r\n\xff\xfe\x00".to_vec()).await;
    let error = ask(&server.client()).await.unwrap_err();
    assert_eq!(&error.body()[..], b"\xff\xfe\x00");
    assert!(error.to_string().starts_with("AskRoom: 400 Bad Request, \u{fffd}"), "{error}");
}

#[tokio::test]
async fn a_request_that_could_have_a_body_sends_its_length_of_zero() {
    for (method, says) in [("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false)]
    {
        let server = Server::closing_after(ok("")).await;
        let method = method.parse().unwrap();
        RawRequest::new(&server.client(), method, "/rooms", &[]).await.unwrap();
        let head = server.seen()[0].to_lowercase();
        assert_eq!(head.contains("\r\ncontent-length: 0\r\n"), says, "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
}

#[tokio::test]
async fn a_head_request_accepts_a_length_without_a_body() {
    let server = Server::responding("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
    let pipeline = server.client();
    for _ in 0..2 {
        assert!(RawRequest::new(&pipeline, Method::HEAD, "/x", &[]).await.unwrap().is_empty());
    }
    assert_eq!((server.seen().len(), server.connections()), (2, 1));
}

#[tokio::test]
async fn no_call_is_lost_on_an_idle_connection_that_the_server_closed() {
    // Each connection responds to one request as if it stayed open, and closes.
    let server = Server::closing_after(ok("here")).await;
    let pipeline = server.client();
    for _ in 0..20 {
        assert_eq!(call(&pipeline, &GET).await.unwrap(), "here");
    }
}

#[tokio::test]
async fn connections_are_reused_and_concurrent_calls_do_not_mix() {
    let server = Server::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            let body = request.split_whitespace().nth(1).unwrap_or("").to_owned();
            connection.write(ok(&body).as_bytes()).await;
        }
    })
    .await;
    let pipeline = server.client();
    let one = RawRequest::new(&pipeline, Method::GET, "/{}", &["one"]).into_future();
    let two = RawRequest::new(&pipeline, Method::GET, "/{}", &["two"]).into_future();
    let (one, two) = tokio::join!(one, two);
    assert_eq!((one.unwrap(), two.unwrap()), ("/one".into(), "/two".into()));
    let before = server.connections();
    RawRequest::new(&pipeline, Method::GET, "/three", &[]).await.unwrap();
    assert!(before <= 2 && server.connections() == before);
}

#[tokio::test]
async fn what_is_signed_is_what_reaches_the_socket() {
    let server = Server::responding(ok("")).await;
    let pipeline = server.client();
    let rooms = Rooms {
        call: Call::new(&pipeline, &ASK, &[("room", "a'b/c é%2e")], |response| Ok(response.body().clone())),
    };
    rooms.header("x-tenant", "blue").await.unwrap();
    let request = &server.seen()[0];
    assert!(request.starts_with("POST /rooms/a%27b%2Fc%20%C3%A9%252e/:ask HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {PLANTED}\r\n")), "{request}");
    assert!(
        request.contains("x-tenant: blue\r\n") && request.contains("user-agent: rooms/1.2.3 ("),
        "{request}"
    );
    assert!(request.contains(&format!("host: {}\r\n", server.address)), "{request}");
    assert!(!request.contains("referer"), "{request}");
    assert!(request.contains("\r\naccept-encoding: identity\r\n"), "{request}");
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let (sender, mut closed) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut connection| {
        let sender = sender.clone();
        async move {
            connection.request().await;
            let _ = sender.send("requested");
            connection.closed().await;
            let _ = sender.send("closed");
        }
    })
    .await;
    let task = tokio::spawn(ask(&server.client()).into_future());
    assert_eq!(closed.recv().await, Some("requested"));
    task.abort();
    assert_eq!(closed.recv().await, Some("closed"));
    assert_eq!(server.seen().len(), 1);
}
