//! Publishing: the two operations as builders, what they send in each mode, and what the service answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use service_core::{Call, Operation, read};

use crate::operations::{PUBLISH, PUBLISH_BATCH};
use crate::{
    CloudEvent, Data, Error, EventBatch, IntoBatch, InvalidEvent, Policy, Response, Result, RetryOptions,
    Sender,
};

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const BATCHED: &str = "application/cloudevents-batch+json; charset=utf-8";

/// A request's body, and the headers that say what it is.
#[doc(hidden)]
#[derive(Debug)]
pub struct Encoded {
    headers: HeaderMap,
    body: Bytes,
}

impl Encoded {
    pub(crate) fn batch(json: Vec<u8>) -> Self {
        Self::json(BATCHED, json)
    }

    fn json(content_type: &'static str, json: Vec<u8>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { headers, body: json.into() }
    }

    fn structured(event: &CloudEvent) -> Result<Self> {
        check_data(event)?;
        let mut json = Vec::new();
        event.write_json(&mut json).map_err(|_| InvalidEvent::new("the event cannot be written as JSON"))?;
        Self::json(STRUCTURED, json).checked()
    }

    fn binary(event: &CloudEvent) -> Result<Self> {
        check_data(event)?;
        let (headers, body) = event.to_http()?;
        if !headers.contains_key(CONTENT_TYPE) {
            let rule = "the event's `datacontenttype` is missing, and Event Grid takes no event without it in binary mode";
            return Err(InvalidEvent::new(rule).into());
        }
        Self { headers, body }.checked()
    }

    fn checked(self) -> Result<Self> {
        let (bytes, most) = (self.body.len(), EventBatch::MAX_BYTES);
        if bytes <= most {
            return Ok(self);
        }
        Err(Error::invalid_input("event", &format!("must have at most {most} bytes, has {bytes}"), None))
    }
}

/// What CloudEvents allows and the service was seen to refuse.
pub(crate) fn check_data(event: &CloudEvent) -> Result<(), InvalidEvent> {
    match event.data() {
        None => Err(InvalidEvent::new("the event has no data, and Event Grid takes none without")),
        Some(Data::Json(json)) if json.is_null() => {
            Err(InvalidEvent::new("the event's data is `null`, which Event Grid does not take"))
        }
        Some(_) => Ok(()),
    }
}

/// Sends one event; made by [`Sender::send`].
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

    /// Sends the attributes in headers and the data as the body: no base64 for bytes, so that up to 1 MiB of them fit.
    ///
    /// Extensions arrive as strings, and characters outside ASCII are percent-encoded in headers, which not every consumer
    /// undoes: the default, structured mode is the safer one. The event needs a `datacontenttype` unless its data is JSON.
    pub fn binary_mode(mut self) -> Self {
        if let Body::One { encode, .. } = &mut self.call.body {
            *encode = Encoded::binary;
        }
        self
    }
}

service_core::call_setters!(SendEvent => ());

/// Sends a batch of events; made by [`Sender::send_batch`].
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SendBatch {
    call: Publish,
}

impl SendBatch {
    pub(crate) fn new(sender: &Sender, batch: impl IntoBatch) -> Self {
        Self { call: Publish::new(sender, &PUBLISH_BATCH, Body::Ready(batch.encode())) }
    }
}

service_core::call_setters!(SendBatch => ());

/// A call whose body is written when it is sent: until then its mode may change.
#[derive(Debug)]
struct Publish {
    call: Call<()>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    One { event: Box<CloudEvent>, encode: fn(&CloudEvent) -> Result<Encoded> },
    Ready(Result<Encoded>),
}

impl Publish {
    fn new(sender: &Sender, operation: &'static Operation, body: Body) -> Self {
        let mut call =
            Call::new(&sender.namespace.pipeline, operation, &[("topicName", &sender.topic)], published);
        call.query("api-version", &*sender.namespace.api_version);
        call.accept("application/json");
        Self { call, body }
    }

    async fn send(self) -> Result<Response<()>> {
        let Self { mut call, body } = self;
        let encoded = match body {
            Body::One { event, encode } => encode(&event),
            Body::Ready(encoded) => encoded,
        };
        match encoded {
            Ok(Encoded { headers, body }) => {
                call.body(STRUCTURED, body);
                for (name, value) in &headers {
                    call.default_header(name.clone(), value.clone());
                }
            }
            Err(refused) => call.check(Err(refused)),
        }
        call.send().await
    }

    fn header<N: TryInto<HeaderName>, V: TryInto<HeaderValue>>(&mut self, name: N, value: V) {
        self.call.header(name, value);
    }

    fn deadline(&mut self, limit: Duration) {
        self.call.deadline(limit);
    }

    fn attempt_timeout(&mut self, limit: Duration) {
        self.call.attempt_timeout(limit);
    }

    fn connect_timeout(&mut self, limit: Duration) {
        self.call.connect_timeout(limit);
    }

    fn retry(&mut self, retry: RetryOptions) {
        self.call.retry(retry);
    }

    fn idempotent(&mut self, idempotent: bool) {
        self.call.idempotent(idempotent);
    }

    fn policy(&mut self, policy: Arc<dyn Policy>) {
        self.call.policy(policy);
    }
}

/// An empty JSON object. Anything else, such as a login page under a 200, came from something other than the service.
fn published(answer: &http::Response<Bytes>) -> Result<()> {
    read::json::<BTreeMap<String, IgnoredAny>>(answer).map(drop)
}
