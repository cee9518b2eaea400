//! The settings that a webhook can be built from, and those that are rejected.

use webpubsub::event_handler::WebhookBuilder;

use super::support::*;

#[test]
fn a_webhook_is_not_built_from_invalid_settings() {
    let builder = || TestHandler::accepting().builder();
    let with_key = || builder().access_key("planted");
    let cases: [(WebhookBuilder, &str); 9] = [
        (builder(), "webhook needs an access key, or `accept_unverified`"),
        (with_key().accept_unverified(), "webhook has access keys, so `accept_unverified` must not be set"),
        (builder().access_key(""), "access key must not be empty"),
        (builder().connection_string("Endpoint=https://x"), "connection string has no `AccessKey` part"),
        (builder().connection_string("planted"), "connection string part 1 has no `=`"),
        (with_key().allowed_origin(""), "allowed origin must be a host"),
        (with_key().allowed_origin("https://a.example"), "got \"https://a.example\""),
        (with_key().allowed_origin("a,b"), "allowed origin must be a host"),
        (with_key().allowed_origin("a b"), "allowed origin must be a host"),
    ];
    for (builder, rule) in cases {
        let shown = format!("{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
        assert!(!format!("{shown} {error:?} {error}").contains("planted"), "{shown} {error:?}");
    }
}

#[test]
fn a_hub_is_checked_by_name() {
    let webhook =
        webpubsub::event_handler::Webhook::builder("no hub", TestHandler::accepting()).access_key(KEY);
    assert!(webhook.build().unwrap_err().to_string().contains("hub must be"));
}

#[tokio::test]
async fn the_key_of_a_connection_string_verifies() {
    let text = format!("Endpoint=https://{ORIGIN};AccessKey={KEY};Version=1.0;");
    let webhook = TestHandler::accepting().builder().connection_string(&text).build().unwrap();
    assert_eq!(respond(&webhook, connect("{}")).await.status(), 204);
    assert!(!format!("{webhook:?}").contains(KEY), "{webhook:?}");
}
