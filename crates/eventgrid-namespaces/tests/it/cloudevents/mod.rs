//! Conformance to CloudEvents 1.0: its attribute tables and examples in both directions, and the defects of other libraries.

mod binary;
mod defects;
mod made;
mod properties;
mod read;

use eventgrid_namespaces::{CloudEvent, CloudEventBuilder, InvalidEvent};
use serde_json::{Value, json};

/// A builder of an event with only the required attributes and a known id.
fn builder() -> CloudEventBuilder {
    CloudEvent::builder("/s", "t").id("1")
}

/// A received event: the required attributes, overridden and extended by these members.
fn received(members: &Value) -> Result<CloudEvent, InvalidEvent> {
    let mut event = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"});
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    CloudEvent::from_json(event.to_string().as_bytes())
}

fn written(event: &CloudEvent) -> Value {
    serde_json::to_value(event).unwrap()
}
