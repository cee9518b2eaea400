//! How responses are interpreted, and what a caller can override, against a mock server.

use std::future::IntoFuture;
use std::time::Duration;

use http::Method;
use mockito::{Matcher, Mock, Server, ServerGuard};
use webpubsub::{Credential, ErrorKind, RetryOptions, ServiceClient, StopReason};

const VERSION: &str = "api-version=2024-12-01";

fn client(server: &ServerGuard) -> ServiceClient {
    let text = format!("Endpoint={};AccessKey=planted-key;Version=1.0;", server.url());
    ServiceClient::from_connection_string(&text, "chat").unwrap()
}

/// Mocks a response to exactly this request, which must be signed and have no body.
async fn expect(server: &mut ServerGuard, method: &str, target: &str) -> Mock {
    server
        .mock(method, target)
        .match_header("authorization", Matcher::Regex("^Bearer eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+$".into()))
        .match_header("user-agent", Matcher::Regex("^webpubsub/\\d+\\.\\d+\\.\\d+ \\(\\w+; \\w+\\)$".into()))
        .match_header("x-ms-client-request-id", Matcher::Regex("^[0-9a-f-]{36}$".into()))
        .match_body("")
        .with_status(204)
        .create_async()
        .await
}

#[tokio::test]
async fn a_request_is_signed_and_its_response_has_a_status_and_an_id() {
    let mut server = Server::new_async().await;
    let target = format!(
        "/api/hubs/chat/groups/g1/:closeConnections?{VERSION}&excluded=c1&excluded=c%262&reason=closing%20time%21"
    );
    let mock = expect(&mut server, "POST", &target).await;
    let close = client(&server).group("g1").close_connections().excluded(["c1", "c&2"]).reason("not this");
    let response = close.reason("closing time!").with_response().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (204, 1));
    assert_eq!(response.request_id().len(), 36);
    mock.assert_async().await;
}

#[tokio::test]
async fn each_error_status_gives_one_readable_error() {
    for status in [400, 401, 403, 404, 429, 500] {
        let mut server = Server::new_async().await;
        let body = r#"{"code":"Error.Group.X","message":"It did not\nwork.","target":"Group","details":[{"code":"D"}],"inner":{"code":"I","inner":null}}"#;
        let mock = server
            .mock("POST", Matcher::Any)
            .with_status(status)
            .with_header("x-ms-error-code", "Error.Group.X")
            .with_body(body)
            .create_async()
            .await;
        let close = client(&server).group("g").close_connections().retry(RetryOptions::none());
        let error = close.await.unwrap_err();
        mock.assert_async().await;
        assert_eq!(error.status().unwrap().as_u16() as usize, status);
        assert_eq!((error.code(), error.message()), (Some("Error.Group.X"), Some("It did not\nwork.")));
        let detail = error.detail().unwrap();
        assert_eq!(detail.details[0].code.as_deref(), Some("D"));
        assert_eq!(detail.inner.as_ref().unwrap().code.as_deref(), Some("I"));
        assert_eq!(error.is_not_found(), status == 404);
        assert_eq!(error.kind(), if status == 429 { ErrorKind::Throttled } else { ErrorKind::Service });
        let text = error.to_string();
        let id = error.request_id().unwrap();
        assert!(text.starts_with(&format!("WebPubSub_CloseGroupConnections: {status} ")), "{text}");
        assert!(
            text.contains(": It did not work.") && text.contains(id) && text.contains("1 attempt,"),
            "{text}"
        );
        assert!(!text.contains('\n') && !text.contains("planted"), "{text}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_keeps_status_and_text() {
    let mut server = Server::new_async().await;
    server
        .mock("POST", Matcher::Any)
        .with_status(403)
        .with_body("<html>Forbidden by proxy</html>")
        .create_async()
        .await;
    let error = client(&server).group("g").close_connections().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 403);
    assert!(error.code().is_none() && error.to_string().contains("Forbidden by proxy"), "{error}");
    assert_eq!(&error.body()[..], b"<html>Forbidden by proxy</html>");
}

#[tokio::test]
async fn overrides_of_one_call_reach_the_wire() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("DELETE", Matcher::Any)
        .match_header("x-tenant", "blue")
        .match_header("x-ms-client-request-id", "mine")
        .match_header("user-agent", Matcher::Regex("^team/app webpubsub/".into()))
        .with_status(500)
        .expect(2)
        .create_async()
        .await;
    let text = format!("Endpoint={};AccessKey=k", server.url());
    let builder = ServiceClient::builder_from_connection_string(&text, "chat").app_id("team/app");
    let once = RetryOptions::default().max_retries(1).initial_backoff(Duration::ZERO);
    let close = builder.build().unwrap().connection("c").close();
    let close = close.header("x-tenant", "blue").header("x-ms-client-request-id", "mine").retry(once);
    let error = close.await.unwrap_err();
    mock.assert_async().await;
    assert_eq!((error.attempts(), error.stop_reason()), (2, Some(StopReason::Attempts)));
}

#[tokio::test]
async fn a_close_declared_not_idempotent_is_sent_once() {
    let mut server = Server::new_async().await;
    let mock = server.mock("DELETE", Matcher::Any).with_status(500).expect(1).create_async().await;
    let error = client(&server).connection("c").close().idempotent(false).await.unwrap_err();
    mock.assert_async().await;
    assert_eq!(error.stop_reason(), Some(StopReason::NotIdempotent));
}

#[tokio::test]
async fn a_request_of_the_next_api_version_goes_through_the_same_pipeline() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/api/hubs/ch%27at/:send?api-version=2030-01-01&filter=a%20eq%20%27b%27")
        .match_header("content-type", "text/plain")
        .match_header("authorization", Matcher::Regex("^Bearer eyJ".into()))
        .match_body("hello")
        .with_status(202)
        .with_body("accepted")
        .create_async()
        .await;
    let builder =
        ServiceClient::builder(&server.url(), "chat", Credential::access_key("k")).api_version("2030-01-01");
    let service = builder.build().unwrap();
    let request = service.request(Method::POST, "/api/hubs/{}/:send", &["ch'at"]).query("filter", "a eq 'b'");
    assert_eq!(&request.body("text/plain", "hello").await.unwrap()[..], b"accepted");
    mock.assert_async().await;
}

#[test]
fn bad_connection_strings_name_what_is_missing_and_never_print_the_key() {
    for (text, named) in [
        ("", "empty"),
        ("AccessKey=planted", "`Endpoint`"),
        ("Endpoint=https://x.example", "`AccessKey`"),
        ("Endpoint=https://x.example;AccessKey=", "`AccessKey`"),
        ("Endpoint=https://x.example;planted", "part 2"),
        ("Endpoint=x.example;AccessKey=planted", "no scheme"),
        ("Endpoint=https://x.example/path;AccessKey=planted", "no path"),
        ("Endpoint=https://u:planted@x.example;AccessKey=planted", "credentials"),
        ("Endpoint=http://x.example;AccessKey=planted", "allow_insecure_http"),
        ("Endpoint=https://x.example;AccessKey=planted;Port=0", "port"),
        ("Endpoint=https://x.example;AccessKey=planted;Port=many", "`Port`"),
    ] {
        let error = ServiceClient::from_connection_string(text, "chat").unwrap_err();
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(error.is_invalid_input() && shown.contains(named), "{text}: {error}");
        assert!(!shown.contains("planted"), "{shown}");
    }
}

#[test]
fn plain_http_to_another_machine_requires_an_explicit_setting() {
    let text = "Endpoint=http://emulator:8080;AccessKey=k";
    assert!(ServiceClient::from_connection_string(text, "chat").is_err());
    assert!(
        ServiceClient::builder_from_connection_string(text, "chat").allow_insecure_http().build().is_ok()
    );
    assert!(
        ServiceClient::from_connection_string("Endpoint=http://hub.localhost;AccessKey=k", "chat").is_ok()
    );
}

#[test]
fn the_builder_of_a_call_owns_its_data_and_shows_no_secret() {
    fn spawnable<T: Send + 'static>(value: T) -> T {
        value
    }
    let close = {
        let text = "Endpoint=https://x.example;AccessKey=planted";
        let service = ServiceClient::from_connection_string(text, "chat").unwrap();
        spawnable(service.group("g").close_connections().header("x-secret", "planted"))
    };
    assert!(!format!("{close:?} {close:#?}").contains("planted"));
    drop(spawnable(close.into_future()));
}
