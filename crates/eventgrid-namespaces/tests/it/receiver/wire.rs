//! The shape of each request on the wire, and the result of each response, against a mock server.

use eventgrid_namespaces::{Credential, ErrorKind, NamespaceClient, Receiver, RetryOptions, TokenErrorCode};
use http::Method;
use mockito::{Matcher, Server, ServerGuard};

use crate::common::{self, namespace_builder};

const TARGET: &str = "/topics/orders/eventsubscriptions/billing:reject?api-version=2024-06-01";

fn receiver(server: &ServerGuard) -> Receiver {
    named(server, "orders", "billing").unwrap()
}

fn named(server: &ServerGuard, topic: &str, subscription: &str) -> eventgrid_namespaces::Result<Receiver> {
    Receiver::new(&server.url(), topic, subscription, Credential::access_key("planted-key"))
}

#[tokio::test]
async fn rejecting_posts_the_lock_tokens() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", TARGET)
        .match_header("authorization", "SharedAccessKey planted-key")
        .match_header("content-type", "application/json")
        .match_header("accept", "application/json")
        .match_header("user-agent", Matcher::Regex("^eventgrid-namespaces/\\d+\\.\\d+\\.\\d+ \\(".into()))
        .match_body(r#"{"lockTokens":["CgMKATESCQoHdG9rZW4tMQ==","t/+2"]}"#)
        .with_body(r#"{"succeededLockTokens":["CgMKATESCQoHdG9rZW4tMQ==","t/+2"],"failedLockTokens":[]}"#)
        .create_async()
        .await;
    let result = receiver(&server).reject(["CgMKATESCQoHdG9rZW4tMQ==", "t/+2"]).await.unwrap();
    mock.assert_async().await;
    assert!(result.failed.is_empty() && result.maybe_settled.is_empty());
    assert_eq!(result.into_result().unwrap(), ["CgMKATESCQoHdG9rZW4tMQ==", "t/+2"]);
}

#[tokio::test]
async fn a_success_with_failed_tokens_is_not_a_success() {
    let mut server = Server::new_async().await;
    let body = r#"{"succeededLockTokens":["a"],"failedLockTokens":[
        {"lockToken":"b","error":{"code":"TokenLost","message":"Token has expired.","innererror":{"code":"I"}}},
        {"lockToken":"c","errorCode":"BadToken","errorDescription":"Cannot decode lockToken"},
        {"lockToken":"d","error":{"code":"New","message":"?"},"more":1},
        {"lockToken":"e"}],"more":1}"#;
    server.mock("POST", TARGET).with_body(body).create_async().await;
    let response = receiver(&server).reject(["a", "b", "c", "d", "e"]).with_response().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let result = response.body;
    assert_eq!(result.succeeded, ["a"]);
    let failed: Vec<_> =
        result.failed.iter().map(|token| (token.lock_token.as_str(), token.code.as_str())).collect();
    assert_eq!(failed, [("b", "TokenLost"), ("c", "BadToken"), ("d", "New"), ("e", "")]);
    assert_eq!(result.failed[0].code, TokenErrorCode::TokenLost);
    assert_eq!(result.failed[0].detail.as_ref().unwrap().inner.as_ref().unwrap().code.as_deref(), Some("I"));
    assert_eq!(result.failed[1].message, "Cannot decode lockToken");
    let error = result.into_result().unwrap_err().to_string();
    assert_eq!(error, "4 of 5 lock tokens failed; first failure: TokenLost: Token has expired.");
}

#[tokio::test]
async fn a_token_lost_after_an_attempt_without_a_response_may_have_been_settled() {
    let transport = service_core::testing::ScriptedTransport::new();
    let body = r#"{"succeededLockTokens":[],"failedLockTokens":[
        {"lockToken":"a","error":{"code":"TokenLost","message":"gone"}},{"lockToken":"b","error":{"code":"BadToken","message":"bad"}}]}"#;
    transport.fail(eventgrid_namespaces::Delivery::Unknown).respond(http::Response::new(body));
    let at_once = RetryOptions::default().initial_backoff(std::time::Duration::ZERO);
    let builder = namespace_builder().transport(std::sync::Arc::new(transport.clone())).retry(at_once);
    let receiver = common::receiver(builder);
    let result = receiver.reject(["a", "b"]).await.unwrap();
    assert_eq!(transport.sent().len(), 2);
    assert_eq!((result.maybe_settled[0].lock_token.as_str(), result.maybe_settled.len()), ("a", 1));
    assert_eq!((result.failed[0].lock_token.as_str(), result.failed.len()), ("b", 1));
}

#[tokio::test]
async fn hostile_names_arrive_as_one_encoded_segment() {
    for (name, encoded) in [
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("100% it's", "100%25%20it%27s"),
        ("a:reject", "a%3Areject"),
        ("日本語🚀", "%E6%97%A5%E6%9C%AC%E8%AA%9E%F0%9F%9A%80"),
    ] {
        let mut server = Server::new_async().await;
        let target = format!("/topics/{encoded}/eventsubscriptions/{encoded}:reject?api-version=2024-06-01");
        let body = r#"{"succeededLockTokens":[]}"#;
        let mock = server.mock("POST", target.as_str()).with_body(body).create_async().await;
        let result = named(&server, name, name).unwrap().reject(["t"]).await.unwrap();
        mock.assert_async().await;
        assert!(result.succeeded.is_empty());
    }
}

#[tokio::test]
async fn invalid_arguments_are_rejected_before_anything_is_sent() {
    let mut server = Server::new_async().await;
    let nothing = server.mock("POST", Matcher::Any).expect(0).create_async().await;
    for name in ["", ".", ".."] {
        assert!(named(&server, name, "billing").unwrap_err().to_string().contains("topic must"));
        assert!(named(&server, "orders", name).unwrap_err().to_string().contains("event subscription must"));
        let raw = receiver(&server).request(Method::POST, "/topics/{}:publish", &[name]).await;
        assert!(raw.unwrap_err().is_invalid_input());
    }
    let none: [&str; 0] = [];
    for tokens in [&none[..], &[""], &["", ""]] {
        let error = receiver(&server).reject(tokens.iter().copied()).await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("lock token"), "{error}");
    }
    nothing.assert_async().await;
}

#[tokio::test]
async fn each_error_status_gives_one_readable_error() {
    for status in [400, 401, 403, 404, 413, 429, 500] {
        let mut server = Server::new_async().await;
        let body = r#"{"error":{"code":"NotFound","message":"Topic 'orders' is not found","timestamp_utc":"x","tracking_id":"TRACK-1"}}"#;
        server
            .mock("POST", TARGET)
            .with_status(status)
            .with_header("broker-errorcode", "NotFound")
            .with_body(body)
            .create_async()
            .await;
        let error = receiver(&server).reject(["t"]).retry(RetryOptions::none()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16() as usize, status);
        assert_eq!((error.code(), error.message()), (Some("NotFound"), Some("Topic 'orders' is not found")));
        assert_eq!(error.request_id(), Some("TRACK-1"));
        assert_eq!(error.is_throttled(), status == 429);
        let text = error.to_string();
        assert!(text.starts_with(&format!("RejectCloudEvents: {status} ")), "{text}");
        assert!(text.contains("NotFound: Topic 'orders' is not found"), "{text}");
    }
}

#[tokio::test]
async fn an_error_with_an_empty_or_unreadable_body_keeps_its_status() {
    for body in ["", "<html>Bad gateway</html>"] {
        let mut server = Server::new_async().await;
        server.mock("POST", TARGET).with_status(403).with_body(body).create_async().await;
        let error = receiver(&server).reject(["t"]).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), 403);
        assert!(error.to_string().contains("403 Forbidden") && error.to_string().contains(body), "{error}");
    }
}

#[tokio::test]
async fn a_success_that_is_not_json_leaves_the_outcome_unknown() {
    let mut server = Server::new_async().await;
    let mock = server.mock("POST", TARGET).with_body("<html>planted</html>").expect(1).create_async().await;
    let error = receiver(&server).reject(["t"]).await.unwrap_err();
    mock.assert_async().await;
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 200));
    assert!(error.outcome_unknown(), "{error}");
    assert!(
        error.to_string().contains("may have acted on it") && !format!("{error:?}").contains("planted"),
        "{error}"
    );
}

#[test]
fn endpoints_are_checked_and_a_bare_host_name_is_one() {
    let credential = || Credential::access_key("planted");
    assert!(
        Receiver::new("name.westeurope-1.eventgrid.azure.net", "orders", "billing", credential()).is_ok()
    );
    for (endpoint, rule) in [
        ("", "empty"),
        ("name.example:443", "no scheme"),
        ("https://name.example/api/events", "without a path"),
        ("https://u:planted@name.example", "credentials"),
        ("http://name.example", "allow_insecure_http"),
    ] {
        let error = Receiver::new(endpoint, "orders", "billing", credential()).unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{endpoint}: {error}");
        assert!(!format!("{error:?}").contains("planted"));
    }
    assert!(
        Receiver::new("https://x.example", "orders", "billing", Credential::access_key(""))
            .unwrap_err()
            .is_invalid_input()
    );
    assert!(
        !format!("{:?}", NamespaceClient::builder("https://x.example", credential())).contains("planted")
    );
}
