//! What protects the control API: pages of other origins cannot use it, and it returns no secret.

use serde_json::json;
use service_emulator::Emulator;

use super::{call, get};
use crate::common::{Response, exchange, http};

/// Sends a write with these headers, and only these.
async fn write(emulator: &Emulator, headers: &[(&str, &str)]) -> u16 {
    let mut text = "POST /_emulator/faults HTTP/1.1\r\nConnection: close\r\n".to_owned();
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    let body = json!({ "kind": "reset" }).to_string();
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    status(&exchange(emulator, text.as_bytes()).await.unwrap())
}

fn status(response: &str) -> u16 {
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_page_of_another_origin_a_foreign_host_and_a_form_post_are_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let own = emulator.address().to_string();
    let host = ("host", own.as_str());
    let kind = ("content-type", "application/json");
    let origin = format!("http://{own}");
    for (headers, expected) in [
        (vec![host, kind], 201),
        (vec![host, kind, ("origin", &origin)], 201),
        (vec![host, kind, ("origin", "http://evil.test")], 403),
        (vec![host, kind, ("origin", "null")], 403),
        (vec![host, kind, ("sec-fetch-site", "cross-site")], 403),
        (vec![("host", "evil.test"), kind], 403),
        (vec![host, ("content-type", "application/x-www-form-urlencoded")], 415),
        (vec![host, ("content-type", "text/plain")], 415),
        (vec![host], 415),
    ] {
        assert_eq!(write(&emulator, &headers).await, expected, "{headers:?}");
    }
    assert_eq!(emulator.faults().pending(), 2);
}

#[tokio::test]
async fn beyond_loopback_there_is_no_control_api_without_a_token() {
    let emulator = Emulator::builder().host("0.0.0.0").start().await.unwrap();
    for (method, path) in [("GET", "health"), ("GET", "state"), ("POST", "reset")] {
        assert_eq!(call(&emulator, method, path, json!({})).await.status, 404, "{path}");
    }
    assert_eq!(
        http(&emulator, "GET", "/health", &[], "").await.status,
        200,
        "the probe for container engines"
    );
}

#[tokio::test]
async fn with_a_token_it_is_required_everywhere() {
    for host in ["127.0.0.1", "0.0.0.0"] {
        let emulator = Emulator::builder().host(host).control_token("s3cret-token").start().await.unwrap();
        let read = async |headers: &[(&str, &str)]| -> Response {
            http(&emulator, "GET", "/_emulator/health", headers, "").await
        };
        assert_eq!(read(&[]).await.status, 401);
        assert_eq!(read(&[("authorization", "Bearer other")]).await.status, 401);
        assert_eq!(read(&[("authorization", "Bearer s3cret-token")]).await.status, 200);
        assert!(!format!("{emulator:?}").contains("s3cret-token"));
    }
}

#[tokio::test]
async fn an_advertised_name_that_others_can_reach_requires_a_token() {
    for (url, expected) in [("http://localhost:8080", 200), ("http://emulator:8080", 404)] {
        let emulator = Emulator::builder().advertise(url).start().await.unwrap();
        assert_eq!(call(&emulator, "GET", "health", json!({})).await.status, expected, "{url}");
    }
}

#[tokio::test]
async fn a_token_that_breaks_its_rule_is_an_error_that_does_not_repeat_it() {
    for token in ["", "s3cret", "s3cret token", &"s3cret".repeat(43)] {
        let error = Emulator::builder().control_token(token).start().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "the control token must be 8 to 256 visible ASCII characters");
    }
}

#[tokio::test]
async fn no_key_and_no_token_is_ever_returned() {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    let url = "http://u.test/{event}?code=s3cret";
    let hub = json!({ "event_handlers": [{ "url": url }] });
    call(&emulator, "PUT", "webpubsub/hubs/chat", hub).await;
    let push =
        json!({ "push": { "url": "http://127.0.0.1:9/?code=s3cret", "headers": { "x-key": "s3cret" } } });
    call(&emulator, "PUT", "eventgrid/topics/orders/subscriptions/audit", push).await;
    let (grid, service, site) = (emulator.eventgrid(), emulator.webpubsub(), emulator.hulft());
    let secrets = [
        grid.key(),
        grid.secondary_key(),
        service.access_key(),
        service.secondary_access_key(),
        site.api_key(),
        site.agents().remove(0).session_id,
        "s3cret".to_owned(),
    ];
    for path in ["state", "faults", "eventgrid/topics", "webpubsub/hubs", "hulft/agents", "hulft/transfers"] {
        let text = get(&emulator, path).await.to_string();
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{path}: {secret}");
        }
    }
}
