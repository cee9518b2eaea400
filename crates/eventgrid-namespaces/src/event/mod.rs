//! CloudEvents 1.0: events are built strictly by the rules of the specification and read leniently.
//!
//! Separate from the clients and usable without them, since nothing here sends requests.

mod binary;
mod builder;
mod data;
mod decode;
mod direct;
mod encode;
mod extension;
mod id;
mod invalid;
mod rules;
pub(crate) mod timestamp;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;
use service_core::TraceContext;

pub use builder::CloudEventBuilder;
pub use data::{Data, Json};
pub(crate) use data::{essence, is_json, without_bom};
pub(crate) use decode::Embedded;
pub(crate) use direct::Direct;
pub use extension::ExtensionValue;
pub use invalid::InvalidEvent;

/// The version of the specification that events are built for.
const SPEC_VERSION: &str = "1.0";

/// Represents one event of [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md).
///
/// **Built strictly.** [`new`](Self::new) and [`builder`](Self::builder) return an error if the event breaks a rule of the
/// specification. The id is set when the event is built (by default, to a random UUID), so a retried publish sends the same id.
/// Consumers can detect duplicates by comparing `source` and `id`.
///
/// **Read leniently.** [`from_json`](Self::from_json) and [`from_http`](Self::from_http) require only the four required
/// attributes and well-formed data. Attributes are kept as received, even if they break a rule. Extensions of a type that
/// CloudEvents does not define are kept as JSON. Any `specversion` is accepted. Data is kept as received and is decoded by
/// [`data_as`](Self::data_as).
///
/// # Examples
///
/// ```
/// use eventgrid_namespaces::CloudEvent;
/// # fn main() -> Result<(), eventgrid_namespaces::InvalidEvent> {
/// let event = CloudEvent::builder("/orders/123", "com.example.order.created")
///     .subject("123")
///     .extension("priority", 3)
///     .data_json(&["screws", "nuts"])
///     .build()?;
/// let items: Vec<&str> = event.data_as()?;
/// assert_eq!((items.len(), event.id().len()), (2, 36));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEvent {
    specversion: Cow<'static, str>,
    id: String,
    source: String,
    event_type: String,
    subject: Option<String>,
    time: Option<String>,
    datacontenttype: Option<String>,
    dataschema: Option<String>,
    extensions: BTreeMap<String, ExtensionValue>,
    data: Option<Data>,
}

impl CloudEvent {
    /// Creates a builder for an event.
    ///
    /// `source` is an absolute or relative URI-reference that identifies where the event comes from. `event_type` says what
    /// happened and should begin with a reversed domain name, as in `com.example.order.created`.
    pub fn builder(source: impl Into<String>, event_type: impl Into<String>) -> CloudEventBuilder {
        CloudEventBuilder::new(source.into(), event_type.into())
    }

    /// Creates an event with a random id and with `data` serialized as JSON.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`CloudEventBuilder::build`].
    pub fn new(
        source: impl Into<String>,
        event_type: impl Into<String>,
        data: &(impl serde::Serialize + ?Sized),
    ) -> Result<Self, InvalidEvent> {
        Self::builder(source, event_type).data_json(data).build()
    }

    /// Converts the event into a builder, so that attributes can be changed.
    ///
    /// Building it again checks all rules, including those that a received event may have broken.
    pub fn into_builder(self) -> CloudEventBuilder {
        CloudEventBuilder::from(self)
    }

    /// Returns the version of the specification: `1.0`, unless the event was received with another one.
    #[must_use]
    pub fn specversion(&self) -> &str {
        &self.specversion
    }

    /// Returns the id, which is unique among the events of the source.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the source, which is a URI-reference, verbatim.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the attribute `type`, which says what happened.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Returns the subject, which identifies what the event is about within its source.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Returns when the event happened, or `None` if the event has no time.
    ///
    /// # Errors
    ///
    /// Returns `Some(Err(..))` if the time was received and is not an RFC 3339 timestamp. [`time_text`](Self::time_text)
    /// returns its text.
    #[must_use]
    pub fn time(&self) -> Option<Result<SystemTime, InvalidEvent>> {
        let text = self.time_text()?;
        let invalid = || InvalidEvent::attribute("time", "is not an RFC 3339 timestamp", text);
        Some(timestamp::parse(text).ok_or_else(invalid))
    }

    /// Returns when the event happened, verbatim.
    #[must_use]
    pub fn time_text(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// Returns the media type of the data. `None` means JSON.
    #[must_use]
    pub fn datacontenttype(&self) -> Option<&str> {
        self.datacontenttype.as_deref()
    }

    /// Returns the schema of the data, which is a URI, verbatim. Some Azure services send `#`.
    #[must_use]
    pub fn dataschema(&self) -> Option<&str> {
        self.dataschema.as_deref()
    }

    /// Returns an extension attribute.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&ExtensionValue> {
        self.extensions.get(name)
    }

    /// Returns an iterator over the extension attributes, ordered by name.
    pub fn extensions(&self) -> impl ExactSizeIterator<Item = (&str, &ExtensionValue)> {
        self.extensions.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the trace context that the event carries in the extensions `traceparent` and `tracestate`.
    ///
    /// It identifies the span that produced the event. Returns `None` if the event has no `traceparent` or a malformed one. A
    /// malformed `tracestate` is ignored.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        let context = TraceContext::new(self.extension("traceparent")?.as_str()?).ok()?;
        let state = self.extension("tracestate").and_then(ExtensionValue::as_str);
        Some(state.and_then(|state| context.clone().with_tracestate(state).ok()).unwrap_or(context))
    }

    /// Returns whether the event carries neither extension of a trace context.
    pub(crate) fn is_untraced(&self) -> bool {
        !["traceparent", "tracestate"].iter().any(|name| self.extensions.contains_key(*name))
    }

    /// Adds a trace context.
    pub(crate) fn set_trace_context(&mut self, context: &TraceContext) {
        self.extensions.insert("traceparent".to_owned(), context.traceparent().to_owned().into());
        if let Some(state) = context.tracestate() {
            self.extensions.insert("tracestate".to_owned(), state.to_owned().into());
        }
    }

    /// Returns the data in the form in which it was set or received.
    #[must_use]
    pub fn data(&self) -> Option<&Data> {
        self.data.as_ref()
    }

    /// Returns the data by value, without copying it.
    #[must_use]
    pub fn into_data(self) -> Option<Data> {
        self.data
    }

    /// Deserializes JSON data as a value of type `T`.
    ///
    /// JSON data is data that was set or received as JSON, or bytes with a JSON content type.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no data, if the data is not JSON, or if the JSON does not match `T`.
    pub fn data_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, InvalidEvent> {
        let what = match &self.data {
            Some(Data::Json(json)) => return json.decode(),
            // Without a content type, bytes must not be interpreted as JSON.
            Some(Data::Binary(bytes)) if self.datacontenttype.is_some() && self.has_json_type() => {
                let mismatch =
                    |error| InvalidEvent::json("the data does not match the requested type", &error);
                return serde_json::from_slice(without_bom(bytes)).map_err(mismatch);
            }
            Some(Data::Binary(_)) => "bytes",
            Some(Data::Text(_)) => "text",
            None => return Err(InvalidEvent::new("the event has no data")),
        };
        let of = self
            .datacontenttype()
            .map_or_else(String::new, |kind| format!(" with the content type {kind:?}"));
        Err(InvalidEvent::new(format!("the event's data is {what}{of}, not JSON")))
    }

    fn has_json_type(&self) -> bool {
        is_json(self.datacontenttype())
    }
}
