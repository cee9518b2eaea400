//! Receiving: a long poll, and each event of its answer read for itself, so that one that cannot be read hides no other and
//! keeps its lock token within reach.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use service_core::{Call, DEFAULT_ANSWER_CAP, read};

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
            self.call.answer_cap(DEFAULT_ANSWER_CAP + events * ANSWER_PER_EVENT);
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
struct Answer<'a> {
    #[serde(borrow)]
    value: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    broker_properties: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    lock_token: Option<String>,
    delivery_count: Option<u32>,
}

fn received(answer: &Response<Bytes>) -> Result<Vec<ReceivedEvent>> {
    let Answer { value } = read::json_lent(answer)?;
    Ok(value.unwrap_or_default().into_iter().map(|entry| one(answer.body(), entry)).collect())
}

/// One event of an answer; whatever is wrong with it stays with it.
fn one(body: &Bytes, entry: &RawValue) -> ReceivedEvent {
    let unreadable =
        |reason, json: &str| Err(UnreadableEvent { reason, json: body.slice_ref(json.as_bytes()) });
    let Ok(Entry { broker_properties, event }) = serde_json::from_str(entry.get()) else {
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
    if let Ok(Properties { lock_token, delivery_count }) = serde_json::from_str(properties.get()) {
        return (lock_token.unwrap_or_default(), delivery_count.unwrap_or_default());
    }
    let properties: Value = serde_json::from_str(properties.get()).unwrap_or_default();
    (properties["lockToken"].as_str().unwrap_or_default().to_owned(), 0)
}
