//! What the one line of an error says about a response: the service's own reason, and nothing that cannot be read.

use super::server::{Server, nowhere};
use super::*;
use crate::ErrorKind;
use crate::error::Delivery;

/// What gzip writes, and no text.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00planted-bytes";

fn with(status: u16, headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Response<Bytes> {
    response(status, headers).map(|_| body.into())
}

/// The error of a call of `operation` that got this response.
async fn error_of(operation: &'static Operation, response: Response<Bytes>) -> crate::Error {
    let kit = Kit::with(|client| client.retry(crate::RetryOptions::none()));
    kit.script.respond(response);
    let mut error = call(&kit.pipeline, operation).await.unwrap_err();
    error.inner_mut().request_id = None;
    error
}

#[tokio::test]
async fn an_error_in_a_content_coding_keeps_status_and_code_and_names_the_coding() {
    let headers = [("content-encoding", "gzip"), ("content-type", "text/plain"), ("x-error-code", "Busy")];
    let error = error_of(&SEND, with(400, &headers, GZIP)).await;
    assert_eq!(
        error.to_string(),
        "SendToRoom: 400 Bad Request, Busy: the body has the content coding \"gzip\", which was not requested \
         (1 attempt, 0 ms)"
    );
    assert!(error.body().is_empty() && !everything(&error).contains("planted"), "{error:?}");
    let error = error_of(&SEND, with(404, &[("content-encoding", "gzip")], "")).await;
    assert_eq!(error.to_string(), "SendToRoom: 404 Not Found (1 attempt, 0 ms)", "there is nothing to read");
}

#[tokio::test]
async fn a_success_in_a_content_coding_is_a_decode_error_that_names_the_coding() {
    let error = error_of(&GET, with(200, &[("content-encoding", "br")], GZIP)).await;
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Decode, Some(Delivery::Accepted)));
    let text = error.to_string();
    assert!(text.contains("could not read the response: the body has the content coding \"br\","), "{text}");
    assert!(!everything(&error).contains("planted"), "{error:?}");
    let kit = Kit::new();
    for coding in ["identity", "Identity"] {
        kit.script.respond(with(200, &[("content-encoding", coding)], "text"));
        assert_eq!(call(&kit.pipeline, &GET).await.unwrap(), "text");
    }
    kit.script.respond(with(204, &[("content-encoding", "gzip")], ""));
    kit.close().await.unwrap();
}

#[tokio::test]
async fn a_caller_who_asks_for_a_content_coding_receives_it_verbatim() {
    let (head, length) = ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length", GZIP.len());
    let server = Server::responding([format!("{head}: {length}\r\n\r\n").as_bytes(), GZIP].concat()).await;
    let body = call(&server.client(), &GET).header("accept-encoding", "gzip").await.unwrap();
    assert_eq!(body, GZIP);
    assert!(server.seen()[0].contains("\r\naccept-encoding: gzip\r\n"), "{:?}", server.seen());
}

#[tokio::test]
async fn the_byte_order_mark_before_json_is_skipped() {
    let kit = Kit::new();
    kit.script.respond(with(200, &[], "\u{feff}[\"a\"]"));
    let list = Call::new(&kit.pipeline, &GET, &[("room", "a")], read::json::<Vec<String>>);
    assert_eq!(list.send().await.unwrap().body, ["a"]);
    let body = "\u{feff}{\"error\":{\"code\":\"A\",\"message\":\"b\"}}";
    let error = error_of(&GET, with(409, &[], body)).await;
    assert_eq!((error.code(), error.message()), (Some("A"), Some("b")));
    let problem = "\u{feff}{\"type\":\"about:blank\",\"title\":\"Not valid\",\"status\":400}";
    let error = error_of(&GET, with(400, &[("content-type", "application/problem+json")], problem)).await;
    assert_eq!((error.code(), error.message()), (None, Some("Not valid")));
}

#[tokio::test]
async fn a_plain_text_error_is_its_message_on_one_line_of_limited_length() {
    for media in ["text/plain", "Text/Plain; charset=utf-8"] {
        let error =
            error_of(&GET, with(400, &[("content-type", media)], "\u{feff}The hub\r\n  is\tunknown.\n"))
                .await;
        assert_eq!(error.message(), Some("The hub is unknown."));
        assert!(error.to_string().starts_with("GetRoom: 400 Bad Request, The hub is unknown. ("), "{error}");
    }
    let error = error_of(&GET, with(400, &[("content-type", "text/plain")], "x".repeat(9000))).await;
    assert_eq!((error.message().unwrap().len(), error.body().len()), (403, 9000));
    let error = error_of(&GET, with(400, &[("content-type", "text/plain")], " \n")).await;
    assert_eq!(error.message(), None);
}

#[tokio::test]
async fn an_html_page_is_named_and_not_shown() {
    for media in ["text/html", "text/html; charset=utf-8", "text/plain"] {
        let page = "\r\n<!DOCTYPE html><html><title>Bad gateway</title></html>";
        let error = error_of(&GET, with(404, &[("content-type", media)], page)).await;
        let text = "GetRoom: 404 Not Found, an HTML page instead of the service's error (1 attempt, 0 ms)";
        assert_eq!((error.message(), error.to_string().as_str()), (None, text));
        assert_eq!(error.body(), page);
    }
}

const EXPIRED: &str = r#"Bearer error="invalid_token", error_description="The token expired.""#;

#[tokio::test]
async fn the_reason_for_a_401_is_part_of_the_line() {
    let error = error_of(&SEND, with(401, &[("www-authenticate", EXPIRED)], "")).await;
    let text = "SendToRoom: 401 Unauthorized, invalid_token: The token expired. (1 attempt, 0 ms)";
    assert_eq!((error.to_string().as_str(), error.code()), (text, Some("invalid_token")));
    assert_eq!(error.message(), Some("The token expired."));

    // The second of two headers, besides a body with a code and a message of its own.
    let headers = [("www-authenticate", "Basic realm=\"rooms\""), ("www-authenticate", EXPIRED)];
    let error =
        error_of(&SEND, with(401, &headers, r#"{"code":"Unauthorized","message":"No access."}"#)).await;
    let text = "SendToRoom: 401 Unauthorized, Unauthorized: No access.; The token expired. (1 attempt, 0 ms)";
    assert_eq!(error.to_string(), text);
    assert_eq!(error.headers().get_all("www-authenticate").iter().count(), 2);

    // Other statuses have no such header, and a challenge without an error has no reason.
    assert_eq!(error_of(&SEND, with(400, &[("www-authenticate", EXPIRED)], "")).await.message(), None);
    assert_eq!(error_of(&SEND, with(401, &[("www-authenticate", "Bearer")], "")).await.message(), None);
}

#[tokio::test]
async fn a_rejected_handshake_has_reason_host_request_id_and_attempts() {
    let response = format!(
        "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: {EXPIRED}\r\nx-request-id: id-1\r\ncontent-length: 0\r\n\r\n"
    );
    let server = Server::responding(response).await;
    let error = handshake(&server.endpoint).await;
    let text = format!(
        "401 Unauthorized, invalid_token: The token expired. (host {}, request id id-1, 1 attempt, ",
        server.address
    );
    assert!(error.to_string().starts_with(&text), "{error}");
    assert_eq!((error.attempts(), error.request_id()), (1, Some("id-1")));
}

#[tokio::test]
async fn a_handshake_without_a_response_names_the_host_once() {
    let endpoint = nowhere().await;
    let host = endpoint.trim_start_matches("http://");
    let error = handshake(&endpoint).await;
    let text = format!("could not connect to {host}: connection refused (request id id-0, 1 attempt, ");
    assert!(error.to_string().starts_with(&text), "{error}");
    let server = Server::start(|mut connection| async move { connection.closed().await }).await;
    let error = handshake(&server.endpoint).await;
    let text = format!(
        "no response arrived within 20ms; the service may have acted on it (host {}, ",
        server.address
    );
    assert!(error.is_timeout() && error.to_string().starts_with(&text), "{error}");
}

async fn handshake(endpoint: &str) -> crate::Error {
    let client = server::client().attempt_timeout(Duration::from_millis(20));
    let request = Request::get(format!("{endpoint}/chat?access_token={PLANTED}"))
        .header("connection", "upgrade")
        .header("upgrade", "echo")
        .header("x-call-id", "id-0");
    let error =
        client.build(endpoint, key()).unwrap().upgrade(request.body(()).unwrap()).await.err().unwrap();
    assert!(!everything(&error).contains(PLANTED), "{error:?}");
    error
}

#[tokio::test]
async fn timeouts_are_rounded_to_what_people_read() {
    let kit = Kit::with(|client| client.retry(crate::RetryOptions::none()));
    kit.script.hang().hang();
    let limit = Duration::from_nanos(1_999_979_712);
    let error = kit.send().attempt_timeout(limit).await.unwrap_err();
    assert!(error.to_string().starts_with("SendToRoom: no response arrived within 2s;"), "{error}");
    let error = kit.send().deadline(limit).await.unwrap_err();
    assert!(error.to_string().contains(" within 2s;"), "{error}");
}

#[tokio::test]
async fn the_reason_why_no_token_could_be_obtained_is_part_of_the_line() {
    let login = "could not connect to login.example:443: connection refused";
    let identity = Identity::new(Duration::ZERO, move |_, _| {
        Err(crate::Error::new(ErrorKind::Transport, login).with_source(std::io::Error::other("inner")).into())
    });
    let error = Kit::with_tokens(&identity).send().await.unwrap_err();
    let text = format!("SendToRoom: could not obtain an access token: {login} (");
    assert!(error.to_string().starts_with(&text), "{error}");
}
