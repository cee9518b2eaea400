//! What a webhook is built from, and what it is not built from.

use webpubsub::event_handler::WebhookBuilder;

use crate::support::*;

#[test]
fn a_webhook_is_not_built_from_what_breaks_a_rule() {
    let told = || Told::nothing().builder();
    let with_key = || told().access_key("planted");
    let cases: [(WebhookBuilder, &str); 9] = [
        (told(), "webhook needs an access key, or `accept_unverified`"),
        (with_key().accept_unverified(), "webhook has access keys and is told to accept calls unverified"),
        (told().access_key(""), "access key must not be empty"),
        (told().connection_string("Endpoint=https://x"), "connection string has no `AccessKey` part"),
        (told().connection_string("planted"), "connection string part 1 has no `=`"),
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
    let webhook = webpubsub::event_handler::Webhook::builder("no hub", Told::nothing()).access_key(KEY);
    assert!(webhook.build().unwrap_err().to_string().contains("hub must be"));
}

#[tokio::test]
async fn the_key_of_a_connection_string_verifies() {
    let text = format!("Endpoint=https://{ORIGIN};AccessKey={KEY};Version=1.0;");
    let webhook = Told::nothing().builder().connection_string(&text).build().unwrap();
    assert_eq!(answer(&webhook, connect("{}")).await.status(), 204);
    assert!(!format!("{webhook:?}").contains(KEY), "{webhook:?}");
}
