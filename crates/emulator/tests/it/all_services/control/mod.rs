//! The control API, driven over HTTP as a program in another language drives it.

mod events;
mod programs;
mod reset;
mod safety;
mod services;
mod sockets;

use serde_json::{Value, json};
use service_emulator::{Clock, Emulator};

use crate::common::{Response, http};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Sends a request to the control API.
pub(super) async fn call(emulator: &Emulator, method: &str, path: &str, body: Value) -> Response {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http(emulator, method, &format!("/_emulator/{path}"), &[JSON], &body).await
}

/// Reads a resource of the control API.
pub(super) async fn get(emulator: &Emulator, path: &str) -> Value {
    let response = http(emulator, "GET", &format!("/_emulator/{path}"), &[], "").await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    assert_eq!(response.header("content-type"), Some("application/json"));
    response.json()
}

/// Performs an operation that returns nothing.
pub(super) async fn done(emulator: &Emulator, method: &str, path: &str, body: Value) {
    let response = call(emulator, method, path, body).await;
    assert_eq!((response.status, response.body.as_str()), (204, ""), "{method} {path}");
}

#[tokio::test]
async fn health_and_description_are_served() {
    let emulator = Emulator::start().await.unwrap();
    let health = get(&emulator, "health").await;
    assert_eq!(health, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }));
    let described = get(&emulator, "openapi.json").await;
    let file: Value = serde_json::from_str(include_str!("../../../../openapi.json")).unwrap();
    assert_eq!(described, file);
}

#[tokio::test]
async fn the_clock_is_read_and_advanced() {
    let emulator = Emulator::start().await.unwrap();
    let clock: Clock = emulator.clock();
    let before = clock.now();
    let advanced = call(&emulator, "POST", "clock/advance", json!({ "seconds": 3600.5 })).await.json();
    assert!(clock.now().duration_since(before).unwrap().as_secs_f64() >= 3600.5);
    let read = get(&emulator, "clock").await;
    assert!(read["unix_seconds"].as_f64().unwrap() >= advanced["unix_seconds"].as_f64().unwrap());
    assert!(advanced["now"].as_str().unwrap().ends_with('Z'));
    for seconds in [json!(-1), json!(1e12), json!("1"), Value::Null] {
        let body = json!({ "seconds": seconds });
        assert_eq!(call(&emulator, "POST", "clock/advance", body).await.status, 400, "{seconds}");
    }
}

#[tokio::test]
async fn faults_of_requests_are_added_listed_and_removed() {
    let emulator = Emulator::start().await.unwrap();
    let fault = json!({ "kind": "status", "status": 503, "headers": { "retry-after": "1" }, "times": 2 });
    let created = call(&emulator, "POST", "faults", fault).await;
    assert_eq!(created.status, 201);
    let first = created.json()["id"].clone();
    let random =
        json!({ "kind": "delay", "delay_ms": 5, "probability": 0.5, "seed": 1, "path_contains": "/x" });
    let second = call(&emulator, "POST", "faults", random).await.json()["id"].clone();
    assert_eq!(http(&emulator, "GET", "/api/health", &[], "").await.status, 503);
    let expected = json!({ "faults": [
        { "id": first, "sockets": false, "kind": "status", "status": 503, "headers": { "retry-after": "1" },
          "times": 1 },
        { "id": second, "sockets": false, "kind": "delay", "delay_ms": 5, "probability": 0.5,
          "path_contains": "/x" },
    ] });
    assert_eq!(get(&emulator, "faults").await, expected);
    let path = format!("faults/{}", first.as_str().unwrap());
    done(&emulator, "DELETE", &path, Value::Null).await;
    assert_eq!(call(&emulator, "DELETE", &path, Value::Null).await.status, 404);
    assert_eq!(http(&emulator, "GET", "/api/health", &[], "").await.status, 200);
    done(&emulator, "DELETE", "faults", Value::Null).await;
    assert_eq!(get(&emulator, "faults").await, json!({ "faults": [] }));
}

#[tokio::test]
async fn an_invalid_body_is_reported_with_the_rule_and_changes_nothing() {
    let emulator = Emulator::start().await.unwrap();
    for (method, path, body, rule) in [
        ("POST", "faults", json!({ "kind": "status" }), "requires `status`"),
        ("POST", "faults", json!({ "kind": "reset", "sockets": true }), "unknown variant"),
        ("POST", "faults", json!({ "kind": "reset", "sockets": 1 }), "`sockets`"),
        (
            "POST",
            "faults",
            json!({ "kind": "drop", "at_received_bytes": 1, "sockets": true, "after_sent": 1 }),
            "combined",
        ),
        ("POST", "faults", json!([]), "invalid"),
        ("PUT", "eventgrid/topics/a", json!({}), "a name must be"),
        ("PUT", "eventgrid/topics/orders", json!({ "x": 1 }), "unknown field"),
        (
            "PUT",
            "eventgrid/topics/orders/subscriptions/billing",
            json!({ "lock_duration_seconds": 1 }),
            "60 to 300",
        ),
        ("PUT", "eventgrid/topics/orders/subscriptions/billing", json!({ "name": "x" }), "in the path"),
        ("PUT", "webpubsub/hubs/1", json!({}), "hub name"),
        ("PUT", "webpubsub/hubs/chat", json!({ "event_handlers": [{ "url": "ftp://x" }] }), "URL"),
        ("POST", "hulft/agents", json!({ "id": "a" }), "missing field"),
    ] {
        let response = call(&emulator, method, path, body.clone()).await;
        assert_eq!(response.status, 400, "{method} {path} {body}: {}", response.body);
        let message = response.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(rule), "{message}");
    }
    let text = http(&emulator, "POST", "/_emulator/faults", &[JSON], "{").await;
    assert_eq!(text.status, 400);
    assert_eq!(emulator.faults().pending(), 0);
    assert!(emulator.eventgrid().topics().is_empty() && emulator.webpubsub().hub_settings().is_empty());
}

#[tokio::test]
async fn its_requests_are_neither_recorded_nor_affected_by_faults() {
    let emulator = Emulator::start().await.unwrap();
    call(&emulator, "POST", "faults", json!({ "kind": "status", "status": 500 })).await;
    let state = get(&emulator, "state").await;
    assert_eq!((&state["pending_faults"], &state["requests"]), (&json!(1), &json!([])));
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn an_unknown_path_or_method_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    for path in ["", "x", "faults/1/2", "reset/none", "eventgrid/topics/", "health/"] {
        assert_eq!(call(&emulator, "POST", path, Value::Null).await.status, 404, "{path}");
    }
    let response = call(&emulator, "PATCH", "faults", Value::Null).await;
    assert_eq!((response.status, response.header("allow")), (405, Some("GET, POST, DELETE")));
    // Without CORS: a preflight gets no permission.
    let response = call(&emulator, "OPTIONS", "reset", Value::Null).await;
    assert_eq!((response.status, response.header("access-control-allow-origin")), (405, None));
}
