//! From arguments to a request, and from a response to a value or an error.

use std::error::Error as _;

use super::*;
use crate::RawRequest;
use crate::error::{Delivery, ErrorKind, MAX_ERROR_BODY_BYTES};

#[tokio::test]
async fn arguments_are_escaped_into_the_url() {
    let kit = Kit::new();
    kit.script.status(204);
    let mut builder =
        Rooms { call: Call::new(&kit.pipeline, &CLOSE, &[("room", "a/../b ?#'日")], |_| Ok(Bytes::new())) };
    builder = builder.reason("x&reason=y");
    builder.await.unwrap();
    let uri = kit.script.sent()[0].uri().to_string();
    assert_eq!(uri, "https://rooms.example/rooms/a%2F..%2Fb%20%3F%23%27%E6%97%A5?reason=x%26reason%3Dy");
}

#[tokio::test]
async fn an_invalid_argument_is_the_calls_error_and_nothing_is_sent() {
    let kit = Kit::new();
    for room in ["", ".", ".."] {
        let call = Call::new(&kit.pipeline, &CLOSE, &[("room", room)], read::unit);
        let error = call.send().await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().starts_with("CloseRoom: room must not be"));
    }
    let mut call = Call::new(&kit.pipeline, &CLOSE, &[("room", "a")], read::unit);
    call.check(Err(crate::Error::invalid_input("first", "is bad", None)));
    call.check(Err(crate::Error::invalid_input("second", "is bad", None)));
    call.query("unknown", "x");
    assert!(call.send().await.unwrap_err().to_string().contains("first is bad"));
    let mut call = Call::new(&kit.pipeline, &CLOSE, &[("room", "a")], read::unit);
    call.query("unknown", "x");
    assert!(call.send().await.unwrap_err().to_string().contains("is not a parameter of this operation"));
    assert_eq!(kit.sent(), 0);
}

#[tokio::test]
async fn an_argument_that_makes_the_url_too_long_is_named_and_nothing_is_sent() {
    let kit = Kit::new();
    let error = kit.close().reason(&"日".repeat(8000)).await.unwrap_err();
    let text = "CloseRoom: reason is too long: it takes 72000 bytes of a URL of 72040 bytes, and HTTP allows 65534 \
                (some characters take 3 bytes or more)";
    assert_eq!((error.to_string().as_str(), kit.sent()), (text, 0));
}

#[tokio::test]
async fn a_query_parameter_occurs_once_unless_it_is_a_list() {
    let kit = Kit::new();
    kit.script.status(204).status(204);
    kit.close().reason("first").reason("second").await.unwrap();
    let mut call = Call::new(&kit.pipeline, &CLOSE, &[("room", "a")], read::unit);
    call.query_each("reason", ["x", "y"]);
    call.send().await.unwrap();
    let sent = kit.script.sent();
    assert_eq!(sent[0].uri().query(), Some("reason=second"));
    assert_eq!(sent[1].uri().query(), Some("reason=x&reason=y"));
}

#[tokio::test]
async fn an_unreadable_response_leaves_the_outcome_unknown() {
    let kit = Kit::new();
    kit.script.respond_after(
        Arc::new(kit.clock.clone()),
        secs(3),
        Response::builder().header("x-request-id", "id-1").body(format!("{{\"{PLANTED}\": 1")).unwrap(),
    );
    let call: Call<Vec<u8>> = Call::new(&kit.pipeline, &GET, &[("room", "a")], read::json);
    let error = call.send().await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Decode, Some(Delivery::Unknown)));
    assert!(error.outcome_unknown());
    assert_eq!((error.status().unwrap().as_u16(), error.attempts(), error.elapsed()), (200, 1, secs(3)));
    assert_eq!((error.request_id(), error.operation()), (Some("id-1"), Some("GetRoom")));
    assert!(!everything(&error).contains(PLANTED) && error.source().is_none(), "{error:?}");
}

#[tokio::test]
async fn a_success_status_that_the_operation_does_not_list_is_an_accepted_error() {
    let kit = Kit::new();
    kit.script.respond(Response::new("x".repeat(MAX_ERROR_BODY_BYTES + 1)));
    let error = kit.send().await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.delivery()), (200, Some(Delivery::Accepted)));
    assert_eq!((error.body().len(), kit.sent()), (MAX_ERROR_BODY_BYTES, 1));
}

#[tokio::test]
async fn a_raw_request_escapes_its_segments_and_rejects_paths_that_a_parser_rewrites() {
    let kit = Kit::new();
    kit.script.status(204);
    let request = RawRequest::new(&kit.pipeline, Method::PUT, "/rooms/{}/members/{}", &["a/b", "c"]);
    request.query("a&b", "c&d").query("tag", "1").query("tag", "2").body("text/plain", "x").await.unwrap();
    let sent = &kit.script.sent()[0];
    assert_eq!(sent.uri(), "https://rooms.example/rooms/a%2Fb/members/c?a%26b=c%26d&tag=1&tag=2");
    assert_eq!(
        (sent.method(), &sent.headers()["content-type"]),
        (&Method::PUT, &HeaderValue::from_static("text/plain"))
    );

    for (path, segments) in [
        ("/rooms/..", &[][..]),
        ("/rooms/%2e%2e/x", &[]),
        ("/rooms/.%2E", &[]),
        ("/rooms/{}", &[".."]),
        ("/rooms/.{}", &["."]),
        ("/rooms/\\..\\x", &[]),
        ("/rooms/x y", &[]),
        ("/rooms/日", &[]),
        ("/rooms/{}", &[]),
        ("/rooms", &["x"]),
        ("rooms", &[]),
        ("//evil.example/x?y", &[]),
        ("/rooms?x", &[]),
        ("/rooms#x", &[]),
    ] {
        let error = RawRequest::new(&kit.pipeline, Method::GET, path, segments).await.unwrap_err();
        assert!(error.is_invalid_input(), "{path}: {error}");
    }
    assert_eq!(kit.sent(), 1);
}

#[tokio::test]
async fn the_callers_value_replaces_the_default_query_of_a_raw_request() {
    let kit = Kit::new();
    kit.script.status(200).status(200);
    let raw = || RawRequest::new(&kit.pipeline, Method::GET, "/rooms", &[]).default_query("version", "1");
    raw().query("filter", "version").await.unwrap();
    raw().query("version", "2").query("version", "3").await.unwrap();
    let sent: Vec<_> =
        kit.script.sent().iter().map(|request| request.uri().query().unwrap().to_owned()).collect();
    assert_eq!(sent, ["version=1&filter=version", "version=2&version=3"]);
}

#[tokio::test]
async fn a_raw_request_is_retried_by_the_rules_of_its_method() {
    for (method, sends) in [(Method::GET, 2), (Method::DELETE, 2), (Method::POST, 1), (Method::PATCH, 1)] {
        let kit = Kit::new();
        kit.script.status(500).status(200);
        let _ = RawRequest::new(&kit.pipeline, method.clone(), "/x", &[]).await;
        assert_eq!(kit.sent(), sends, "{method}");
    }
}

#[tokio::test]
async fn a_404_can_be_a_success() {
    static EXISTS: Operation =
        Operation::new("RoomExists", Method::HEAD, "/rooms/{room}").success(&[200, 404]);
    let kit = Kit::new();
    kit.script.status(200).status(404).status(403);
    let exists = || Call::new(&kit.pipeline, &EXISTS, &[("room", "a")], read::exists).send();
    assert!(exists().await.unwrap().body);
    assert!(!exists().await.unwrap().body);
    assert_eq!(exists().await.unwrap_err().status().unwrap(), 403);
}

#[test]
fn calls_and_their_futures_can_be_spawned() {
    fn is<T: Send + 'static>(_: T) {}
    let kit = Kit::new();
    is(kit.close());
    is(kit.close().into_future());
    is(kit.close().with_response());
}

#[tokio::test]
async fn all_values_of_a_header_are_kept_in_responses_and_in_errors() {
    for status in [200, 403] {
        let kit = Kit::new();
        let response = Response::builder()
            .status(status)
            .header("www-authenticate", "Bearer")
            .header("www-authenticate", "Basic");
        kit.script.respond(response.body("").unwrap());
        let headers = match call(&kit.pipeline, &GET).with_response().await {
            Ok(response) => response.headers().clone(),
            Err(error) => error.headers().clone(),
        };
        assert_eq!(
            headers.get_all("www-authenticate").iter().collect::<Vec<_>>(),
            ["Bearer", "Basic"],
            "{status}"
        );
    }
}
