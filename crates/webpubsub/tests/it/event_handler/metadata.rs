//! Metadata of user events and of their responses, a preview feature.

use webpubsub::Metadata;
use webpubsub::event_handler::UserEventResponse;

use super::support::*;

#[tokio::test]
async fn a_handler_reads_the_metadata_of_an_event_as_received() {
    let handler = TestHandler::on_event(|_, event| {
        assert_eq!(event.metadata(), Metadata::from([("trace", "1"), ("other", "b c"), ("list", "1, 2,")]));
        assert_eq!(event.metadata().get("Trace"), Some("1"));
        Ok(UserEventResponse::text("seen"))
    });
    let mut builder = event("azure.webpubsub.user.said").header("X-WebPubSub-Metadata-Trace", "1");
    builder = builder.header("x-webpubsub-metadata-other", "b c");
    builder = builder.header("x-webpubsub-metadata-list", "1, 2,").header("x-webpubsub-metadata-", "bare");
    let response = respond(&handler.webhook(), with_body(builder, "text/plain", "hi")).await;
    assert_eq!(parts(&response), (200, "seen"));
}

#[tokio::test]
async fn an_event_without_metadata_has_an_empty_map() {
    let handler = TestHandler::on_event(|_, event| {
        assert!(event.metadata().is_empty());
        Ok(UserEventResponse::text("seen"))
    });
    let request = with_body(event("azure.webpubsub.user.said"), "text/plain", "hi");
    assert_eq!(parts(&respond(&handler.webhook(), request).await), (200, "seen"));
}

#[tokio::test]
async fn a_response_carries_its_metadata_in_headers_also_without_content() {
    for (act, expected) in [
        (UserEventResponse::none as fn() -> UserEventResponse, (204, "")),
        (|| UserEventResponse::text("hi"), (200, "hi")),
    ] {
        let metadata = Metadata::from([("Trace", "1"), ("empty", "")]);
        let handler = TestHandler::on_event(move |_, _| Ok(act().metadata(metadata.clone())));
        let request = with_body(event("azure.webpubsub.user.x"), "text/plain", "");
        let response = respond(&handler.webhook(), request).await;
        assert_eq!(parts(&response), expected);
        assert_eq!(response.headers()["x-webpubsub-metadata-trace"], "1");
        assert_eq!(response.headers()["x-webpubsub-metadata-empty"], "");
    }
}

#[tokio::test]
async fn a_response_with_metadata_that_would_not_arrive_unchanged_fails() {
    for (key, value) in [("k", "1,2"), ("k", " 1"), ("k", "1\n2"), ("k k", "1"), ("k", "é")] {
        let handler =
            TestHandler::on_event(move |_, _| Ok(UserEventResponse::text("hi").metadata([(key, value)])));
        let request = with_body(event("azure.webpubsub.user.x"), "text/plain", "");
        let response = respond(&handler.webhook(), request).await;
        assert_eq!(parts(&response), (500, "Internal Server Error"), "{key} {value:?}");
    }
}
