//! Receiving: a long poll, and each event of its answer read for itself, so that one that cannot be read hides no other and
//! keeps its lock token within reach.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use service_core::{Call, DEFAULT_MAX_RESPONSE_BYTES, read};

use crate::event::Part;
use crate::operations::RECEIVE;
use crate::{CloudEvent, Error, InvalidEvent, Receiver, Result};

/// What an event of 1 MB may take in an answer: its data can be escaped, and attributes come on top.
const ANSWER_PER_EVENT: usize = 1024 * 1024 + 512 * 1024;

/// An event that is locked for this receiver.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// The event, or why it cannot be read. It is locked and has to be settled either way.
    pub event: Result<CloudEvent, UnreadableEvent>,
    /// What the event is settled with. Empty if the service sent none.
    pub lock_token: String,
    /// How often the event was delivered, this time included: 1 at first. 0 if the service sent no count.
    pub delivery_count: u32,
}

/// A received event that is no CloudEvent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableEvent {
    reason: InvalidEvent,
    json: Bytes,
}

impl UnreadableEvent {
    /// Which rule it breaks.
    #[must_use]
    pub fn reason(&self) -> &InvalidEvent {
        &self.reason
    }

    /// The event as it came, byte for byte. It is part of the whole answer's memory.
    #[must_use]
    pub fn json(&self) -> &Bytes {
        &self.json
    }
}

impl fmt::Display for UnreadableEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a received event cannot be read")
    }
}

impl std::error::Error for UnreadableEvent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.reason)
    }
}

/// Receives events; made by [`Receiver::receive`].
///
/// Its budgets follow [`max_wait_time`](Self::max_wait_time) unless they are set: 15 s more for an attempt, 40 s more for the
/// whole call, but no less than the client's.
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct Receive {
    call: Call<Vec<ReceivedEvent>>,
}

impl Receive {
    pub(crate) fn new(receiver: &Receiver) -> Self {
        let names = [("topicName", &*receiver.topic), ("eventSubscriptionName", &*receiver.subscription)];
        let mut call = Call::new(&receiver.namespace.pipeline, &RECEIVE, &names, received);
        call.query("api-version", &*receiver.namespace.api_version);
        call.accept("application/json");
        Self { call }.max_events(1).max_wait_time(Duration::from_secs(60))
    }

    /// Sets how many events may come at most: 1 to 100. Default: 1. Fewer may come although more are waiting.
    pub fn max_events(mut self, events: usize) -> Self {
        if (1..=100).contains(&events) {
            self.call.query("maxEvents", events.to_string());
            self.call.max_response_bytes(DEFAULT_MAX_RESPONSE_BYTES + events * ANSWER_PER_EVENT);
        } else {
            let given = events.to_string();
            self.call.check(Err(Error::invalid_input("max events", "must be 1 to 100", Some(&given))));
        }
        self
    }

    /// Sets how long the service waits for an event before it answers with none: 10 s to 120 s, in whole seconds.
    /// Default: 60 s.
    pub fn max_wait_time(mut self, wait: Duration) -> Self {
        if (10..=120).contains(&wait.as_secs()) && wait.subsec_nanos() == 0 {
            self.call.query("maxWaitTime", wait.as_secs().to_string());
            self.call.long_poll(wait);
        } else {
            let rule = "must be 10 s to 120 s, in whole seconds";
            self.call.check(Err(Error::invalid_input("max wait time", rule, Some(&format!("{wait:?}")))));
        }
        self
    }
}

service_core::call_setters!(Receive => Vec<ReceivedEvent>);

#[derive(Deserialize)]
struct Answer<E> {
    value: Option<Vec<E>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<P, E> {
    broker_properties: Option<P>,
    event: E,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    lock_token: Option<String>,
    delivery_count: Option<u32>,
}

impl Properties {
    fn or_default(self) -> (String, u32) {
        (self.lock_token.unwrap_or_default(), self.delivery_count.unwrap_or_default())
    }
}

fn received(answer: &Response<Bytes>) -> Result<Vec<ReceivedEvent>> {
    if let Some(events) = all_readable(answer.body()) {
        return Ok(events);
    }
    let Answer { value } = read::json_borrowed(answer)?;
    Ok(value.unwrap_or_default().into_iter().map(|entry| one(answer.body(), entry)).collect())
}

/// Reads an answer in one pass, where a look at each part for itself passes over most bytes three times; `None` when there is
/// anything wrong with it, down to one event that cannot be read: to tell what, and to keep the rest, needs that look.
fn all_readable(answer: &[u8]) -> Option<Vec<ReceivedEvent>> {
    let text = std::str::from_utf8(answer).ok()?;
    let Answer { value } = serde_json::from_str(text).ok()?;
    let readable = |Entry { broker_properties, event: Part(event) }: Entry<Properties, Part>| {
        let (lock_token, delivery_count) = broker_properties.map(Properties::or_default).unwrap_or_default();
        ReceivedEvent { event: Ok(event), lock_token, delivery_count }
    };
    Some(value.unwrap_or_default().into_iter().map(readable).collect())
}

/// One event of an answer; whatever is wrong with it stays with it.
fn one(body: &Bytes, entry: &RawValue) -> ReceivedEvent {
    let unreadable =
        |reason, json: &str| Err(UnreadableEvent { reason, json: body.slice_ref(json.as_bytes()) });
    let parts: Result<Entry<&RawValue, Option<&RawValue>>, _> = serde_json::from_str(entry.get());
    let Ok(Entry { broker_properties, event }) = parts else {
        let event =
            unreadable(InvalidEvent::new("the entry of the event is not of the form expected"), entry.get());
        return ReceivedEvent { event, lock_token: String::new(), delivery_count: 0 };
    };
    let event = match event {
        Some(json) => {
            CloudEvent::from_json(json.get().as_bytes()).or_else(|reason| unreadable(reason, json.get()))
        }
        None => unreadable(InvalidEvent::new("there is no event"), entry.get()),
    };
    let (lock_token, delivery_count) = broker_properties.map_or_else(Default::default, locked);
    ReceivedEvent { event, lock_token, delivery_count }
}

/// Lock token and delivery count; a count that is none must not cost the token.
fn locked(properties: &RawValue) -> (String, u32) {
    if let Ok(properties) = serde_json::from_str(properties.get()) {
        return Properties::or_default(properties);
    }
    let properties: Value = serde_json::from_str(properties.get()).unwrap_or_default();
    (properties["lockToken"].as_str().unwrap_or_default().to_owned(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKED: &str = r#""brokerProperties":{"lockToken":"a","deliveryCount":2}"#;
    const EVENT: &str = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;

    fn in_parts(text: &str) -> String {
        let body = Bytes::from(text.to_owned());
        let Answer { value } = serde_json::from_slice(&body).unwrap();
        let entries: Vec<&RawValue> = value.unwrap_or_default();
        format!("{:?}", entries.into_iter().map(|entry| one(&body, entry)).collect::<Vec<_>>())
    }

    #[test]
    fn an_answer_without_fault_is_read_in_one_pass_as_in_parts() {
        for entries in [
            String::new(),
            format!(r#"{{{LOCKED},"event":{{{EVENT}}}}}"#),
            format!(
                r#"{{{LOCKED},"event":{{{EVENT},"data":[1, 2.50]}}}},{{"event":{{{EVENT},"subject":"\u00e9\n"}}}}"#
            ),
            format!(
                r#"{{"brokerProperties":null,"more":["\ud800"],"event":{{{EVENT},"data_base64":"AQID","x":1e2}}}}"#
            ),
            format!(r#"[{{"lockToken":"a"}},{{{EVENT},"datacontenttype":"text/plain","data":"\u00e9"}}]"#),
        ] {
            let text = format!(r#"{{"value":[{entries}],"more":1}}"#);
            let read = all_readable(text.as_bytes()).unwrap();
            assert_eq!(format!("{read:?}"), in_parts(&text));
        }
        assert!(all_readable(b"{}").unwrap().is_empty());
    }

    #[test]
    fn any_fault_asks_for_a_look_at_the_parts() {
        for entry in [
            format!("{{{LOCKED}}}"),
            format!(r#"{{{LOCKED},"event":null}}"#),
            format!(r#"{{{LOCKED},"event":"text"}}"#),
            format!(r#"{{{LOCKED},"event":{{"specversion":"1.0"}}}}"#),
            format!(r#"{{{LOCKED},"event":{{{EVENT},"subject":"\ud800"}}}}"#),
            format!(r#"{{{LOCKED},{LOCKED},"event":{{{EVENT}}}}}"#),
            format!(r#"{{"brokerProperties":{{"lockToken":"a","deliveryCount":"x"}},"event":{{{EVENT}}}}}"#),
            "7".to_owned(),
        ] {
            let text = format!(r#"{{"value":[{{"event":{{{EVENT}}}}},{entry}]}}"#);
            assert!(all_readable(text.as_bytes()).is_none(), "{entry}");
            assert!(in_parts(&text).contains("Ok(CloudEvent"), "{entry}");
        }
        let not_utf8 = [br#"{"value":[],"more":""#.as_slice(), b"\xff", br#""}"#].concat();
        assert!(all_readable(&not_utf8).is_none());
    }
}
