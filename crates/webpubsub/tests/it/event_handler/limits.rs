//! The limits on what is read.

use bytes::Bytes;
use webpubsub::event_handler::{Check, DEFAULT_BODY_LIMIT, MAX_HEADER_BYTES, MAX_HEADERS};

use super::support::*;

#[tokio::test]
async fn a_body_of_the_limit_is_accepted_and_one_byte_more_is_not() {
    let default = TestHandler::accepting().webhook();
    let small = TestHandler::accepting().builder().access_key(KEY).body_limit(10).build().unwrap();
    for (webhook, limit) in [(default, DEFAULT_BODY_LIMIT), (small, 10)] {
        for (length, status) in [(limit, 204), (limit + 1, 413)] {
            let request = with_body(event("azure.webpubsub.user.x"), "a/b", Bytes::from(vec![0; length]));
            assert_eq!(respond(&webhook, request).await.status(), status);
        }
    }
}

#[tokio::test]
async fn a_body_whose_declared_length_is_too_large_is_rejected_before_it_is_read() {
    let webhook = TestHandler::accepting().webhook();
    for length in [(DEFAULT_BODY_LIMIT + 1).to_string(), u64::MAX.to_string()] {
        let head = event("azure.webpubsub.user.x").header("Content-Length", length).body(()).unwrap();
        let Check::Response(rejected) = webhook.check(head.method(), head.headers()) else { panic!("read") };
        assert_eq!(rejected.status(), 413);
    }
}

#[tokio::test]
async fn too_many_headers_are_rejected() {
    let webhook = TestHandler::accepting().webhook();
    let there =
        event("azure.webpubsub.user.x").header("Content-Type", "a/b").body(()).unwrap().headers().len();
    for (further, status) in [(MAX_HEADERS - there, 204), (MAX_HEADERS - there + 1, 431)] {
        let mut builder = event("azure.webpubsub.user.x");
        for number in 0..further {
            builder = builder.header(format!("x-{}", number % 20), "y");
        }
        assert_eq!(respond(&webhook, with_body(builder, "a/b", "")).await.status(), status, "{further}");
    }
}

#[tokio::test]
async fn headers_that_are_too_long_are_rejected_in_events_and_checks() {
    let webhook = TestHandler::accepting().webhook();
    let long = "x".repeat(MAX_HEADER_BYTES);
    let request = with_body(event("azure.webpubsub.user.x").header("x", &long), "a/b", "");
    assert_eq!(respond(&webhook, request).await.status(), 431);
    let builder = http::Request::options("/").header("ce-awpsversion", "1.0").header("x", &long);
    let request = builder.header("WebHook-Request-Origin", ORIGIN).body(Bytes::new()).unwrap();
    assert_eq!(respond(&webhook, request).await.status(), 431);
}
