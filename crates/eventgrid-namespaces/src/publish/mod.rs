//! The builders of the two publish operations, the request body of each mode, and the check of the service's response.

mod traced;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use service_core::{Call, CallOptions, Operation, Pipeline};

use crate::batch::ATTRIBUTES;
use crate::messaging::{self, Subject};
use crate::operations::{PUBLISH, PUBLISH_BATCH};
use crate::response;
use crate::{CloudEvent, Data, Error, EventBatch, IntoBatch, InvalidEvent, Response, Result, Sender};

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const BATCHED: &str = "application/cloudevents-batch+json; charset=utf-8";

/// Contains a request's body and the headers that describe it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Encoded {
    content_type: &'static str,
    /// The headers of binary mode, whose content type is the event's.
    headers: HeaderMap,
    body: Bytes,
    /// The number of events of a batch.
    events: Option<usize>,
    /// Where the JSON of each event of a batch ends that has no trace context, before its closing brace.
    untraced: Vec<usize>,
}

impl Encoded {
    pub(crate) fn batch(json: Vec<u8>, events: usize, untraced: Vec<usize>) -> Self {
        Self { events: Some(events), untraced, ..Self::json(BATCHED, json) }
    }

    fn json(content_type: &'static str, json: Vec<u8>) -> Self {
        let (headers, body) = (HeaderMap::new(), json.into());
        Self { content_type, headers, body, events: None, untraced: Vec::new() }
    }

    fn structured(event: &CloudEvent) -> Result<Self> {
        check_data(event)?;
        let mut json = Vec::with_capacity(event.data().map_or(0, Data::len) + ATTRIBUTES);
        event.write_json(&mut json).map_err(|_| InvalidEvent::new("the event cannot be written as JSON"))?;
        Self::json(STRUCTURED, json).checked()
    }

    fn binary(event: &CloudEvent) -> Result<Self> {
        check_data(event)?;
        let (headers, body) = event.to_http()?;
        if !headers.contains_key(CONTENT_TYPE) {
            let rule = "the event's `datacontenttype` is missing, which Event Grid requires in binary mode";
            return Err(InvalidEvent::new(rule).into());
        }
        Self { content_type: STRUCTURED, headers, body, events: None, untraced: Vec::new() }.checked()
    }

    fn checked(self) -> Result<Self> {
        let (bytes, max) = (self.body.len(), EventBatch::MAX_BYTES);
        if bytes <= max {
            return Ok(self);
        }
        Err(Error::invalid_input("event", &format!("must have at most {max} bytes, has {bytes}"), None))
    }
}

/// Checks for data that CloudEvents allows but that the service has been observed to reject.
pub(crate) fn check_data(event: &CloudEvent) -> Result<(), InvalidEvent> {
    check(event.data().is_some(), matches!(event.data(), Some(Data::Json(json)) if json.is_null()))
}

pub(crate) fn check(has_data: bool, is_null: bool) -> Result<(), InvalidEvent> {
    if !has_data {
        return Err(InvalidEvent::new("the event has no data, which Event Grid requires"));
    }
    if is_null {
        return Err(InvalidEvent::new("the event's data is `null`, which Event Grid does not accept"));
    }
    Ok(())
}

/// A request that publishes one event. Is returned by [`Sender::send`].
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SendEvent {
    call: Publish,
}

impl SendEvent {
    pub(crate) fn new(sender: &Sender, event: CloudEvent) -> Self {
        let body = Body::One { event: Box::new(event), encode: Encoded::structured };
        Self { call: Publish::new(sender, &PUBLISH, body) }
    }

    /// Sends the event in binary mode: its attributes as headers and its data as the body.
    ///
    /// Binary data is not encoded as base64, so up to 1 MiB of it fits. Extensions arrive as strings. Characters outside ASCII
    /// are percent-encoded in headers, and not every consumer decodes them, so the default (structured mode) is safer. The
    /// event needs a `datacontenttype` unless its data is JSON.
    pub fn binary_mode(mut self) -> Self {
        if let Body::One { encode, .. } = &mut self.call.body {
            *encode = Encoded::binary;
        }
        self
    }
}

service_core::call_setters!(SendEvent => ());

/// A request that publishes a batch of events. Is returned by [`Sender::send_batch`].
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SendBatch {
    call: Publish,
}

impl SendBatch {
    pub(crate) fn new(sender: &Sender, batch: impl IntoBatch) -> Self {
        Self { call: Publish::new(sender, &PUBLISH_BATCH, Body::Ready(batch.encode())) }
    }

    pub(crate) fn call_mut(&mut self) -> &mut Call<()> {
        &mut self.call.call
    }
}

service_core::call_setters!(SendBatch => ());

/// A call whose body is encoded when it is sent, because its mode may change until then.
#[derive(Debug)]
struct Publish {
    call: Call<()>,
    topic: Arc<str>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    One { event: Box<CloudEvent>, encode: fn(&CloudEvent) -> Result<Encoded> },
    Ready(Result<Encoded>),
}

impl Body {
    /// Returns the id of an event that is published alone.
    fn id(&self) -> Option<String> {
        match self {
            Self::One { event, .. } => Some(event.id().to_owned()),
            Self::Ready(_) => None,
        }
    }
}

impl Publish {
    fn new(sender: &Sender, operation: &'static Operation, body: Body) -> Self {
        let mut call =
            Call::new(&sender.namespace.pipeline, operation, &[("topicName", &sender.topic)], published);
        call.query("api-version", &*sender.namespace.api_version);
        call.accept("application/json");
        Self { call, topic: Arc::clone(&sender.topic), body }
    }

    async fn send(self) -> Result<Response<()>> {
        let Self { mut call, topic, body } = self;
        let id = messaging::is_traced().then(|| body.id()).flatten();
        let encoded = match body {
            Body::One { event, encode } => {
                let encoded = encode(&event);
                if encoded.is_ok() && event.is_untraced() {
                    call.on_trace_context(move |context, request| {
                        traced::event(event, encode, context, request);
                    });
                }
                encoded
            }
            Body::Ready(encoded) => encoded,
        };
        let mut messages = None;
        match encoded {
            Ok(Encoded { content_type, headers, body, events, untraced }) => {
                messages = events;
                if !untraced.is_empty() {
                    call.on_trace_context(move |context, request| traced::batch(&untraced, context, request));
                }
                call.body(content_type, body);
                for (name, value) in &headers {
                    call.default_header(name.clone(), value.clone());
                }
            }
            Err(invalid) => call.check(Err(invalid)),
        }
        let (subject, mut measurement) = (Subject::published(&topic), None);
        let open = |pipeline: &Pipeline| {
            measurement = messaging::start(pipeline);
            subject.span(messages, id.as_deref())
        };
        let outcome = call.send_in(open).await;
        if let Some(measurement) = measurement {
            measurement.published(&subject, messages.unwrap_or(1), outcome.as_ref().err());
        }
        outcome
    }

    fn options_mut(&mut self) -> &mut CallOptions {
        self.call.options_mut()
    }
}

/// Expects a JSON object, which has no required members, but does not describe an error.
fn published(response: &http::Response<Bytes>) -> Result<()> {
    let members: BTreeMap<String, Value> = response::parse(response)?;
    match ["error", "code"].iter().find(|name| members.get(**name).is_some_and(|value| !value.is_null())) {
        Some(name) => Err(response::unexpected(response, &format!("it has a member `{name}`"))),
        None => Ok(()),
    }
}
