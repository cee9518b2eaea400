//! Sends whose receivers a filter selects, and messages with a time to live.

use std::time::Duration;

use serde_json::json;
use service_emulator::Emulator;

use super::common::clients::{Client, rest, send};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn a_filter_picks_the_receivers_of_each_send_that_has_one() {
    let emulator = Emulator::start().await.unwrap();
    let mut vip = Client::json(&emulator, json!({ "sub": "o'ann", "webpubsub.group": ["g", "vip"] })).await;
    let mut ann = Client::json(&emulator, json!({ "sub": "o'ann", "webpubsub.group": "g" })).await;
    let mut bob = Client::json(&emulator, json!({ "sub": "bob", "webpubsub.group": "vip" })).await;
    let mut anonymous = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    let name = encoded("o'ann");
    let one = format!("userId eq null or connectionId eq '{}'", bob.id);
    for (path, filter) in [
        (":send".to_owned(), one.as_str()),
        ("groups/g/:send".to_owned(), "userId ne 'o''ann' and not ('vip' in groups)"),
        (format!("users/{name}/:send"), "'vip' in groups"),
    ] {
        let path = format!("{path}?filter={}", encoded(filter));
        assert_eq!(send(&emulator, "POST", &path, "text/plain", filter).await.status, 202, "{path}");
    }
    let excluding =
        format!(":send?excluded={}&excluded={}&filter={}", ann.id, vip.id, encoded("userId ne 'bob'"));
    send(&emulator, "POST", &excluding, "text/plain", "both").await;
    assert_eq!(bob.frame().await["data"], one);
    assert_eq!(anonymous.frame().await["data"], one);
    assert_eq!(anonymous.frame().await["from"], "group");
    assert_eq!(anonymous.frame().await["data"], "both");
    assert_eq!(vip.frame().await["data"], "'vip' in groups");
    for client in [&mut vip, &mut ann, &mut bob, &mut anonymous] {
        client.assert_silent().await;
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_rejected_as_observed_and_nothing_is_sent() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "sub": "u", "webpubsub.group": "g" })).await;
    for path in [":send", "groups/g/:send", "users/u/:send"] {
        let response =
            send(&emulator, "POST", &format!("{path}?filter=invalid%20filter"), "text/plain", "hello").await;
        assert_eq!((response.status, response.header("content-length")), (400, Some("416")), "{path}");
        assert_eq!(response.header("content-type"), Some("application/problem+json; charset=utf-8"));
        assert_eq!(response.header("api-supported-versions"), None);
        let message = "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')";
        assert_eq!(
            (&response.json()["target"], &response.json()["message"]),
            (&json!("filter"), &json!(message))
        );
        for filter in ["", "userId eq 1", "unknown eq 'a'"] {
            let path = format!("{path}?filter={}", encoded(filter));
            assert_eq!(send(&emulator, "POST", &path, "text/plain", "x").await.status, 400, "{filter}");
        }
    }
    client.assert_silent().await;
}

#[tokio::test]
async fn the_bounds_of_the_time_to_live_are_kept() {
    let emulator = Emulator::start().await.unwrap();
    for path in [":send", "groups/g/:send", "users/u/:send", "connections/c/:send"] {
        for (seconds, status) in
            [("0", 202), ("300", 202), ("301", 400), ("-1", 400), ("", 400), ("1.5", 400)]
        {
            let path = format!("{path}?messageTtlSeconds={seconds}");
            let response = send(&emulator, "POST", &path, "text/plain", "x").await;
            assert_eq!(response.status, status, "{path}");
        }
    }
}

#[tokio::test]
async fn a_message_that_waits_longer_than_its_time_to_live_is_dropped() {
    let emulator = Emulator::start().await.unwrap();
    let mut slow = Client::json(&emulator, json!({})).await;
    // More than the socket's buffers hold, less than the queue holds, so that what follows must wait.
    let body = "x".repeat(1_000_000);
    for _ in 0..15 {
        send(&emulator, "POST", ":send", "text/plain", &body).await;
    }
    for (query, body) in
        [("?messageTtlSeconds=60", "short"), ("?messageTtlSeconds=300", "long"), ("", "unlimited")]
    {
        send(&emulator, "POST", &format!(":send{query}"), "text/plain", body).await;
    }
    emulator.clock().advance(Duration::from_secs(61));
    for _ in 0..15 {
        assert_eq!(slow.frame().await["data"].as_str().map(str::len), Some(1_000_000));
    }
    assert_eq!(slow.frame().await["data"], "long");
    assert_eq!(slow.frame().await["data"], "unlimited");
    assert_eq!(rest(&emulator, "HEAD", &format!("connections/{}", slow.id)).await.status, 200);
}
