//! The sender: the shape of each request, its retries, its batches, and its effect on the emulated service.

mod all;
mod batches;
mod effects;
mod repeats;
mod traced;
mod wire;

use eventgrid_namespaces::CloudEvent;
use serde_json::json;

/// The event of the service's own examples.
fn order() -> CloudEvent {
    CloudEvent::builder("/orders/123", "com.example.order.created")
        .id("A234")
        .data_json(&json!({"total": 5}))
        .build()
        .unwrap()
}

const ORDER: &str = r#"{"specversion":"1.0","id":"A234","source":"/orders/123","type":"com.example.order.created","data":{"total":5}}"#;
