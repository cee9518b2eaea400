//! Conformance to CloudEvents 1.0: its attribute tables and examples, both ways, and the mistakes of other libraries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

mod binary;
mod defects;
mod made;
mod properties;
mod read;

use eventgrid_namespaces::{CloudEvent, CloudEventBuilder, InvalidEvent};
use serde_json::{Value, json};

/// An event with nothing but what it must have, and an id that tests know.
fn builder() -> CloudEventBuilder {
    CloudEvent::builder("/s", "t").id("1")
}

/// A received event: the required attributes with these members put over them.
fn received(members: &Value) -> Result<CloudEvent, InvalidEvent> {
    let mut event = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"});
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    CloudEvent::from_json(event.to_string().as_bytes())
}

fn written(event: &CloudEvent) -> Value {
    serde_json::to_value(event).unwrap()
}
