//! Receiving: a long poll whose events are parsed one at a time, so that an unreadable event does not hide the others and keeps
//! its lock token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use service_core::{Call, CallOptions, DEFAULT_MAX_RESPONSE_BYTES, Pipeline};
use tracing::Span;

use crate::event::Embedded;
use crate::messaging::{self, Subject, Verb};
use crate::operations::RECEIVE;
use crate::{CloudEvent, Error, InvalidEvent, Receiver, Response, Result, response, split};

/// The space that an event of 1 MB may need in a response, since its data can be escaped and attributes are added.
const MAX_BYTES_PER_EVENT: usize = 1024 * 1024 + 512 * 1024;

/// Represents an event that was received and is locked for this receiver.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// Contains the event, or the reason why it cannot be read. It is locked and must be settled in either case.
    pub event: Result<CloudEvent, UnreadableEvent>,
    /// Contains the lock token that settles the event. It is empty if the service sent none.
    pub lock_token: String,
    /// Counts the deliveries of the event, including this one, starting at 1. It is 0 if the service sent no count.
    pub delivery_count: u32,
}

/// Is returned when a received event or a dead letter is not a valid CloudEvent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("received event cannot be read")]
pub struct UnreadableEvent {
    #[source]
    reason: InvalidEvent,
    json: Bytes,
}

impl UnreadableEvent {
    pub(crate) fn new(reason: InvalidEvent, json: Bytes) -> Self {
        Self { reason, json }
    }

    /// Returns the rule that the event breaks.
    #[must_use]
    pub fn reason(&self) -> &InvalidEvent {
        &self.reason
    }

    /// Returns the event's JSON as received.
    ///
    /// The returned value shares the response's memory, which stays allocated as long as this value exists.
    #[must_use]
    pub fn json(&self) -> &Bytes {
        &self.json
    }
}

/// A request that receives events. Is returned by [`Receiver::receive`].
///
/// Unless set explicitly, the timeouts follow [`max_wait_time`](Self::max_wait_time): an attempt may take 15 s longer, and the
/// whole call 40 s longer. They are never shorter than the client's timeouts.
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct Receive {
    call: Poll,
}

/// One long poll.
#[derive(Debug)]
struct Poll {
    call: Call<Vec<ReceivedEvent>>,
    topic: Arc<str>,
    subscription: Arc<str>,
}

impl Receive {
    pub(crate) fn new(receiver: &Receiver) -> Self {
        let names = [("topicName", &*receiver.topic), ("eventSubscriptionName", &*receiver.subscription)];
        let mut call = Call::new(&receiver.namespace.pipeline, &RECEIVE, &names, received);
        call.query("api-version", &*receiver.namespace.api_version);
        call.accept("application/json");
        let (topic, subscription) = (Arc::clone(&receiver.topic), Arc::clone(&receiver.subscription));
        Self { call: Poll { call, topic, subscription } }.max_events(1).max_wait_time(Duration::from_secs(60))
    }

    /// Sets the maximum number of events to receive: 1 to 100. Default: 1. The service may return fewer even if more are waiting.
    pub fn max_events(mut self, events: usize) -> Self {
        if (1..=100).contains(&events) {
            self.call.call.query("maxEvents", events.to_string());
            self.call.call.max_response_bytes(DEFAULT_MAX_RESPONSE_BYTES + events * MAX_BYTES_PER_EVENT);
        } else {
            let given = events.to_string();
            self.call.call.check(Err(Error::invalid_input("max events", "must be 1 to 100", Some(&given))));
        }
        self
    }

    /// Sets how long the service waits for an event before it responds without events: 10 s to 120 s, in whole seconds.
    /// Default: 60 s.
    pub fn max_wait_time(mut self, wait: Duration) -> Self {
        if (10..=120).contains(&wait.as_secs()) && wait.subsec_nanos() == 0 {
            self.call.call.query("maxWaitTime", wait.as_secs().to_string());
            self.call.call.long_poll(wait);
        } else {
            let rule = "must be 10 s to 120 s, in whole seconds";
            self.call.call.check(Err(Error::invalid_input(
                "max wait time",
                rule,
                Some(&format!("{wait:?}")),
            )));
        }
        self
    }
}

service_core::call_setters!(Receive => Vec<ReceivedEvent>);

impl Poll {
    async fn send(self) -> Result<Response<Vec<ReceivedEvent>>> {
        let Self { call, topic, subscription } = self;
        let subject = Subject::of_subscription(Verb::Receive, &topic, &subscription);
        let (mut span, mut measurement) = (Span::none(), None);
        let open = |pipeline: &Pipeline| {
            measurement = messaging::start(pipeline);
            span = subject.span(None, None);
            span.clone()
        };
        let outcome = call.send_in(open).await;
        if let Ok(events) = &outcome {
            messaging::count(&span, events.body.len());
        }
        if let Some(measurement) = measurement {
            measurement.received(&subject, outcome.as_ref().map(|events| events.body.len()));
        }
        outcome
    }

    fn options_mut(&mut self) -> &mut CallOptions {
        self.call.options_mut()
    }
}

#[derive(Deserialize)]
struct ReceiveBody<E> {
    value: Vec<E>,
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

fn received(response: &http::Response<Bytes>) -> Result<Vec<ReceivedEvent>> {
    let json = response::json(response)?;
    if let Some(events) = all_readable(json) {
        return Ok(events);
    }
    match split::array(json, "value") {
        Some(entries) => Ok(entries.into_iter().map(|entry| read_entry(response.body(), entry)).collect()),
        None => {
            response::parse::<ReceiveBody<IgnoredAny>>(response)?;
            Err(response::unexpected(response, "its member `value` is not a list"))
        }
    }
}

/// Reads a response in one pass, whereas parsing entry by entry reads most bytes several times. Returns `None` if anything is
/// invalid, even a single event: finding the reason and keeping the other events then takes entry-by-entry parsing.
fn all_readable(json: &[u8]) -> Option<Vec<ReceivedEvent>> {
    let text = std::str::from_utf8(json).ok()?;
    let ReceiveBody { value } = serde_json::from_str(text).ok()?;
    let readable = |Entry { broker_properties, event: Embedded(event) }: Entry<Properties, Embedded>| {
        let (lock_token, delivery_count) = broker_properties.map(Properties::or_default).unwrap_or_default();
        ReceivedEvent { event: Ok(event), lock_token, delivery_count }
    };
    Some(value.into_iter().map(readable).collect())
}

/// Reads one entry of a response. A defect in it does not affect the other entries.
fn read_entry(body: &Bytes, entry: &[u8]) -> ReceivedEvent {
    let unreadable = |reason, json| Err(UnreadableEvent { reason, json: body.slice_ref(json) });
    let Some([properties, event]) = entry_parts(entry) else {
        let event = unreadable(InvalidEvent::new("the event's entry does not have the expected form"), entry);
        return ReceivedEvent { event, lock_token: String::new(), delivery_count: 0 };
    };
    let event = match event {
        Some(json) => CloudEvent::from_json(json).or_else(|reason| unreadable(reason, json)),
        None => unreadable(InvalidEvent::new("the entry has no `event`"), entry),
    };
    let (lock_token, delivery_count) = properties.map_or_else(Default::default, locked);
    ReceivedEvent { event, lock_token, delivery_count }
}

/// Returns the JSON of an entry's broker properties and of its event, of which only the brackets need to be valid.
fn entry_parts(entry: &[u8]) -> Option<[Option<&[u8]>; 2]> {
    if let Ok(Entry { broker_properties, event }) =
        serde_json::from_slice::<Entry<&RawValue, Option<&RawValue>>>(entry)
    {
        return Some([broker_properties, event].map(|json| json.map(|json| json.get().as_bytes())));
    }
    let members = split::members(entry)?;
    Some(["brokerProperties", "event"].map(|name| split::member(&members, name)))
}

/// Reads the lock token and the delivery count. A defect elsewhere in the properties does not discard the token.
fn locked(properties: &[u8]) -> (String, u32) {
    if let Ok(properties) = serde_json::from_slice(properties) {
        return Properties::or_default(properties);
    }
    let members = split::members(properties).unwrap_or_default();
    let token = split::member(&members, "lockToken").and_then(|json| serde_json::from_slice(json).ok());
    let count = split::member(&members, "deliveryCount").and_then(|json| serde_json::from_slice(json).ok());
    (token.unwrap_or_default(), count.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKED: &str = r#""brokerProperties":{"lockToken":"a","deliveryCount":2}"#;
    const EVENT: &str = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;

    fn entry_by_entry(text: &str) -> String {
        let body = Bytes::from(text.to_owned());
        let entries = split::array(&body, "value").unwrap();
        format!("{:?}", entries.into_iter().map(|entry| read_entry(&body, entry)).collect::<Vec<_>>())
    }

    #[test]
    fn a_valid_response_is_read_in_one_pass_as_entry_by_entry() {
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
            assert_eq!(format!("{read:?}"), entry_by_entry(&text));
        }
        assert!(all_readable(b"{}").is_none());
    }

    #[test]
    fn any_defect_requires_reading_entry_by_entry() {
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
            assert!(entry_by_entry(&text).contains("Ok(CloudEvent"), "{entry}");
        }
        let not_utf8 = [br#"{"value":[],"more":""#.as_slice(), b"\xff", br#""}"#].concat();
        assert!(all_readable(&not_utf8).is_none());
    }
}
