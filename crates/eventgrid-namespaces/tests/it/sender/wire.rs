//! The shape of each request, and the result of each response, against a mock server.

use std::time::Duration;

use eventgrid_namespaces::{
    CloudEvent, Credential, ErrorKind, EventBatch, NamespaceClient, RetryOptions, Sender,
};
use http::Method;
use mockito::{Matcher, Mock, Server, ServerGuard};
use serde_json::json;

use super::{ORDER, order};

const TARGET: &str = "/topics/orders:publish?api-version=2024-06-01";

fn sender(server: &ServerGuard) -> Sender {
    Sender::new(&server.url(), "orders", Credential::access_key("planted-key")).unwrap()
}

fn publish(server: &mut ServerGuard, content_type: &str, body: &str) -> Mock {
    server
        .mock("POST", TARGET)
        .match_header("authorization", "SharedAccessKey planted-key")
        .match_header("content-type", content_type)
        .match_header("accept", "application/json")
        .match_header("user-agent", Matcher::Regex("^eventgrid-namespaces/\\d+\\.\\d+\\.\\d+ \\(".into()))
        .match_body(body)
        .with_body("{}")
}

#[tokio::test]
async fn one_event_is_sent_as_a_json_object() {
    let mut server = Server::new_async().await;
    let mock = publish(&mut server, "application/cloudevents+json; charset=utf-8", ORDER)
        .match_header("ce-id", Matcher::Missing)
        .create_async()
        .await;
    let response = sender(&server).send(order()).with_response().await.unwrap();
    mock.assert_async().await;
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
}

#[tokio::test]
async fn a_batch_is_sent_as_a_json_array_in_whichever_form_it_was_passed() {
    let mut server = Server::new_async().await;
    let body = format!("[{ORDER},{ORDER}]");
    let content_type = "application/cloudevents-batch+json; charset=utf-8";
    let mock = publish(&mut server, content_type, &body).expect(3).create_async().await;
    let sender = sender(&server);
    sender.send_batch([order(), order()]).await.unwrap();
    sender.send_batch(vec![order(), order()]).await.unwrap();
    let mut batch = EventBatch::new();
    batch.try_add(order()).unwrap();
    batch.try_add(order()).unwrap();
    assert_eq!((batch.len(), batch.bytes()), (2, body.len()));
    sender.send_batch(batch).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn binary_mode_has_attributes_in_headers_and_the_data_as_the_body() {
    let mut server = Server::new_async().await;
    let event = CloudEvent::builder("/s?a=%20", "t")
        .id("1")
        .subject("Euro € \"100%\"")
        .time_text("2024-04-10T10:12:46.2525140-07:00")
        .dataschema("https://microsoft.com")
        .extension("count", 101)
        .data_bytes(vec![1, 2, 3], "application/customcontenttype");
    let mock = publish(&mut server, "application/customcontenttype", "\u{1}\u{2}\u{3}")
        .match_header("ce-specversion", "1.0")
        .match_header("ce-id", "1")
        .match_header("ce-source", "/s?a=%2520")
        .match_header("ce-type", "t")
        .match_header("ce-subject", "Euro%20%E2%82%AC%20%22100%25%22")
        .match_header("ce-time", "2024-04-10T10:12:46.2525140-07:00")
        .match_header("ce-dataschema", "https://microsoft.com")
        .match_header("ce-count", "101")
        .match_header("ce-datacontenttype", Matcher::Missing)
        .create_async()
        .await;
    sender(&server).send(event.build().unwrap()).binary_mode().await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn json_data_in_binary_mode_has_the_content_type_that_it_implies() {
    let mut server = Server::new_async().await;
    let mock = publish(&mut server, "application/json", r#"{"total":5}"#).create_async().await;
    sender(&server).send(order()).binary_mode().await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn the_caller_chooses_api_version_and_headers() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/topics/orders:publish?api-version=2023-11-01")
        .match_header("x-mine", "yes")
        .match_header("ce-type", "the caller's")
        .with_body("{}")
        .create_async()
        .await;
    let builder =
        NamespaceClient::builder(&server.url(), Credential::access_key("k")).api_version("2023-11-01");
    let send = builder.build().unwrap().sender("orders").send(order()).binary_mode();
    send.header("x-mine", "yes")
        .header("ce-type", "the caller's")
        .deadline(Duration::from_secs(60))
        .await
        .unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn hostile_topic_names_arrive_as_one_encoded_segment() {
    for (name, encoded) in [
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("100% it's", "100%25%20it%27s"),
        ("a:publish", "a%3Apublish"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
    ] {
        let mut server = Server::new_async().await;
        let target = format!("/topics/{encoded}:publish?api-version=2024-06-01");
        let mock = server.mock("POST", target.as_str()).with_body("{}").expect(2).create_async().await;
        let sender = Sender::new(&server.url(), name, Credential::access_key("k")).unwrap();
        sender.send(order()).await.unwrap();
        sender.request(Method::POST, "/topics/{}:publish", &[name]).await.unwrap();
        mock.assert_async().await;
    }
    for name in ["", ".", ".."] {
        let error = Sender::new("https://x.example", name, Credential::access_key("k")).unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("topic must"), "{error}");
    }
}

#[tokio::test]
async fn what_the_service_would_reject_is_rejected_before_it_is_sent() {
    let mut server = Server::new_async().await;
    let nothing = server.mock("POST", Matcher::Any).expect(0).create_async().await;
    let sender = sender(&server);
    let bare = || CloudEvent::builder("/s", "t");
    for (event, rule) in [
        (bare().build().unwrap(), "has no data"),
        (CloudEvent::new("/s", "t", &json!(null)).unwrap(), "data is `null`"),
        (bare().data_text("x".repeat(EventBatch::MAX_BYTES + 1)).build().unwrap(), "at most 1048576 bytes"),
    ] {
        for send in [sender.send(event.clone()), sender.send(event.clone()).binary_mode()] {
            let error = send.await.unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
        }
        assert!(sender.send_batch([order(), event]).await.unwrap_err().is_invalid_input());
    }
    for error in [
        sender.send_batch(Vec::new()).await.unwrap_err(),
        sender.send_batch(EventBatch::new()).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("at least one event"), "{error}");
    }
    let untyped = br#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"AQID"}"#;
    let send = sender.send(CloudEvent::from_json(untyped).unwrap()).binary_mode();
    assert!(send.await.unwrap_err().to_string().contains("`datacontenttype` is missing"));
    nothing.assert_async().await;
}

#[tokio::test]
async fn bytes_that_fit_only_without_base64_are_sent_in_binary_mode() {
    let mut server = Server::new_async().await;
    let mock = server.mock("POST", TARGET).with_body("{}").expect(1).create_async().await;
    let event =
        CloudEvent::builder("/s", "t").data_bytes(vec![7; EventBatch::MAX_BYTES], "a/b").build().unwrap();
    assert!(sender(&server).send(event.clone()).await.unwrap_err().is_invalid_input());
    sender(&server).send(event).binary_mode().await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn a_success_that_is_not_a_json_object_is_an_error() {
    for body in ["<html>planted</html>", "", "[]", "null", "\"planted\""] {
        let mut server = Server::new_async().await;
        let mock = server.mock("POST", TARGET).with_body(body).expect(2).create_async().await;
        for error in [
            sender(&server).send(order()).await.unwrap_err(),
            sender(&server).send_batch([order()]).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 200));
            assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
        }
        mock.assert_async().await;
    }
    let mut server = Server::new_async().await;
    server.mock("POST", TARGET).with_body("\u{feff}{\"novelty\":[1],\"error\":null}").create_async().await;
    sender(&server).send(order()).await.unwrap();
}

#[tokio::test]
async fn a_success_that_describes_an_error_or_is_not_json_has_an_unknown_outcome() {
    for (content_type, body, reason) in [
        ("application/json", r#"{"error":{"code":"Oops","message":"planted"}}"#, "200 OK, Oops: "),
        ("application/json", r#"{"error":"planted"}"#, "it has a member `error`"),
        ("application/json", r#"{"code":"Oops"}"#, "200 OK, Oops: "),
        ("text/html; charset=utf-8", "{}", r#"its content type is "text/html", not JSON"#),
    ] {
        let mut server = Server::new_async().await;
        let mock = server.mock("POST", TARGET).with_header("content-type", content_type).with_body(body);
        let mock = mock.expect(2).create_async().await;
        for error in [
            sender(&server).send(order()).await.unwrap_err(),
            sender(&server).send_batch([order()]).await.unwrap_err(),
        ] {
            let text = error.to_string();
            assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Decode, true), "{text}");
            assert!(
                text.contains(reason) && text.contains("does not look like one from the service"),
                "{text}"
            );
            assert!(!format!("{text} {error:?}").contains("planted"), "{text}");
        }
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn each_error_status_gives_one_readable_error() {
    for (status, code, message) in [
        (400, "BadRequest", "`source` attribute is required"),
        (401, "Unauthenticated", "Provided Shared Access Key is not authorized"),
        (404, "NotFound", "Topic 'orders' is not found"),
        (413, "MessageTooLarge", "Message size cannot exceed 1Mb bytes"),
    ] {
        let mut server = Server::new_async().await;
        let body = json!({"error": {"code": code, "message": message, "tracking_id": "TRACK-1"}}).to_string();
        server
            .mock("POST", TARGET)
            .with_status(status)
            .with_header("broker-errorcode", code)
            .with_body(body)
            .create_async()
            .await;
        let error = sender(&server).send(order()).retry(RetryOptions::none()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16() as usize, status);
        assert_eq!(
            (error.code(), error.message(), error.request_id()),
            (Some(code), Some(message), Some("TRACK-1"))
        );
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("PublishCloudEvent: {status} ")) && text.contains(message),
            "{text}"
        );
    }
}

#[test]
fn neither_the_sender_nor_its_builder_shows_the_key() {
    let builder = NamespaceClient::builder("https://x.example", Credential::access_key("planted"));
    assert!(!format!("{builder:?}").contains("planted"));
    let namespace = builder.build().unwrap();
    assert!(!format!("{namespace:?}").contains("planted"));
    let sender = namespace.sender("orders");
    let text = format!("{sender:?} {:?} {:?}", sender.send(order()), sender.send_batch([order()]));
    assert!(text.contains("orders") && !text.contains("planted"), "{text}");
}
