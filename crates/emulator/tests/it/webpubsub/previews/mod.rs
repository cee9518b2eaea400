//! The features in preview: message metadata, group states, invocations, and group streams. Their frames are those of the
//! specification's tables.

mod group_state;
mod invoke;
mod metadata;
mod protobuf;
mod streams;

use serde_json::{Value, json};
use service_emulator::Emulator;

use super::common::webhook::Webhook;

/// A client in the group `g` that may do everything.
fn member(user: &str) -> Value {
    let roles = ["joinLeaveGroup", "sendToGroup", "setGroupState", "getGroupState"];
    json!({
        "sub": user,
        "webpubsub.group": "g",
        "role": roles.map(|role| format!("webpubsub.{role}")),
    })
}

/// An emulator, and the webhook that receives the user events of its hub `chat`.
async fn start() -> (Emulator, Webhook) {
    let (emulator, webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    emulator.webpubsub().event_handler("chat", webhook.handler(&[])).unwrap();
    (emulator, webhook)
}

fn success(id: u64) -> Value {
    json!({ "type": "ack", "ackId": id, "success": true })
}

/// The names of the errors in acks and responses.
fn error_name(frame: &Value) -> &str {
    frame["error"]["name"].as_str().unwrap_or_else(|| panic!("{frame}"))
}
