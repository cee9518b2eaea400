//! Metadata of sends, a preview feature: the headers that carry it, and what is rejected before anything is sent.

use webpubsub::Metadata;

use super::input::assert_rejected;
use super::scripted;

#[tokio::test]
async fn metadata_travels_as_headers_with_all_sends() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    let metadata = || Metadata::from([("Trace", "a b"), ("empty", "")]);
    for _ in 0..4 {
        script.status(202);
    }
    service.send_to_all("m").metadata(metadata()).await.unwrap();
    service.group("g").send("m").metadata(metadata()).await.unwrap();
    service.user("u").send("m").metadata(metadata()).await.unwrap();
    service.connection("c").send("m").metadata(metadata()).await.unwrap();
    for request in script.sent() {
        assert_eq!(request.headers()["x-webpubsub-metadata-trace"], "a b");
        assert_eq!(request.headers()["x-webpubsub-metadata-empty"], "");
    }
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test]
async fn metadata_that_the_service_rejects_or_changes_is_not_sent() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    for (key, value, rule) in [
        ("", "v", "metadata key must be 1 to 256"),
        ("k", "a,b", "metadata value of `k` must not contain a comma"),
        ("k", "a ", "metadata value of `k` must not start or end with a blank"),
        ("k", &"v".repeat(1025), "metadata value of `k` must be at most 1024 bytes"),
    ] {
        for error in [
            service.send_to_all("m").metadata([(key, value)]).await.unwrap_err(),
            service.group("g").send("m").metadata([(key, value)]).await.unwrap_err(),
            service.user("u").send("m").metadata([(key, value)]).await.unwrap_err(),
            service.connection("c").send("m").metadata([(key, value)]).await.unwrap_err(),
        ] {
            assert_rejected(&error, rule);
        }
    }
    assert!(script.sent().is_empty());
}
