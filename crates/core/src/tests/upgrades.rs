//! Upgrades: a bidirectional stream, or the response that rejected it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::{Server, nowhere};
use super::*;
use crate::Upgrade;
use crate::error::{Delivery, ErrorKind, MAX_ERROR_BODY_BYTES};

async fn upgrade(endpoint: &str) -> Result<Upgrade> {
    let pipeline = server::client().build(endpoint, key()).unwrap();
    let request = Request::get(format!("{endpoint}/chat?access_token={PLANTED}"))
        .header("connection", "upgrade")
        .header("upgrade", "echo")
        .body(())
        .unwrap();
    pipeline.inner.transport.upgrade(request, &crate::SendOptions::new(1024)).await
}

#[tokio::test]
async fn after_101_bytes_flow_both_ways() {
    let server = Server::start(|mut connection| async move {
        connection.request().await;
        // The first bytes of the new protocol may arrive with the response.
        connection
            .write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\nx-a: b\r\n\r\nhello")
            .await;
        while let Some(bytes) = connection.read_exact(4).await {
            connection.write(&bytes.to_ascii_uppercase()).await;
        }
    })
    .await;
    let Upgrade::Switched(head, mut stream) = upgrade(&server.endpoint).await.unwrap() else {
        panic!("not switched");
    };
    assert_eq!((head.status().as_u16(), &head.headers()["x-a"]), (101, &HeaderValue::from_static("b")));
    let mut bytes = [0; 5];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"hello");
    for word in [b"abcd", b"efgh"] {
        stream.write_all(word).await.unwrap();
        stream.flush().await.unwrap();
        let mut echo = [0; 4];
        stream.read_exact(&mut echo).await.unwrap();
        assert_eq!(echo, word.to_ascii_uppercase()[..]);
    }
}

#[tokio::test]
async fn any_other_status_is_a_response_with_its_body() {
    for (status, body) in [(200, "fine".to_owned()), (401, "no".to_owned()), (500, "x".repeat(100_000))] {
        let length = body.len();
        let server =
            Server::responding(format!("HTTP/1.1 {status} S\r\ncontent-length: {length}\r\n\r\n{body}"))
                .await;
        let Upgrade::Rejected(response) = upgrade(&server.endpoint).await.unwrap() else {
            panic!("switched")
        };
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.body(), &body[..length.min(MAX_ERROR_BODY_BYTES)]);
    }
}

#[tokio::test]
async fn an_upgrade_that_fails_reports_how_far_it_got_and_shows_no_url() {
    let error = upgrade(&nowhere().await).await.unwrap_err();
    assert_eq!(error.delivery(), Some(Delivery::NotSent));
    assert!(!everything(&error).contains(PLANTED), "{error:?}");
    let server = Server::closing_after("").await;
    let error = upgrade(&server.endpoint).await.unwrap_err();
    assert_eq!(error.delivery(), Some(Delivery::Unknown));
    assert!(!everything(&error).contains(PLANTED), "{error:?}");
}

mod through_the_pipeline {
    use super::*;

    fn request(url: &str) -> Request<()> {
        Request::get(url).header("connection", "upgrade").header("upgrade", "echo").body(()).unwrap()
    }

    #[tokio::test]
    async fn an_upgrade_sends_the_user_agent_and_not_the_clients_credential() {
        let server =
            Server::responding("HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n").await;
        let pipeline = server::client().build(&server.endpoint, key()).unwrap();
        let (head, _stream) = pipeline.upgrade(request(&format!("{}/chat", server.endpoint))).await.unwrap();
        assert_eq!(head.status().as_u16(), 101);
        let seen = server.seen().join("").to_lowercase();
        assert!(seen.contains("user-agent: ") && !seen.contains("authorization"), "{seen}");
    }

    #[tokio::test]
    async fn a_rejected_upgrade_is_an_error_with_status_message_and_retry_hint() {
        let body = r#"{"code":"Busy","message":"not now"}"#;
        let response =
            format!("HTTP/1.1 503 S\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let server = Server::responding(response).await;
        let pipeline = server::client().build(&server.endpoint, key()).unwrap();
        let error = pipeline.upgrade(request(&format!("{}/chat", server.endpoint))).await.err().unwrap();
        assert_eq!((error.status().unwrap().as_u16(), error.message()), (503, Some("not now")));
        assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(7)), 1));
    }

    #[tokio::test]
    async fn an_upgrade_is_only_sent_to_the_clients_own_endpoint() {
        let pipeline = server::client().build("http://localhost:1", key()).unwrap();
        let error = pipeline.upgrade(request("http://localhost:2/chat")).await.err().unwrap();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::Credential, Some(Delivery::NotSent)));
    }
}
