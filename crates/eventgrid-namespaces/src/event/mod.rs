//! CloudEvents 1.0: one event, made under every rule of the specification and read with forbearance.
//!
//! Apart from the clients, and usable without them: nothing here sends anything.

mod binary;
mod builder;
mod data;
mod decode;
mod encode;
mod extension;
mod id;
mod invalid;
mod rules;
mod timestamp;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;

pub use builder::CloudEventBuilder;
pub use data::{Data, Json};
pub(crate) use decode::Part;
pub use extension::ExtensionValue;
pub use invalid::InvalidEvent;

/// The version of the specification that produced events have.
const SPEC_VERSION: &str = "1.0";

/// One event of [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md).
///
/// **Made strictly:** [`new`](Self::new) and [`builder`](Self::builder) refuse what the specification forbids. The id is fixed
/// when the event is made, a random UUID unless one is given, so that a repeated publish repeats the id: consumers tell
/// duplicates by `source` and `id` together.
///
/// **Read leniently:** [`from_json`](Self::from_json) and [`from_http`](Self::from_http) want no more than the four required
/// attributes and data that can be had at all. Texts are kept as they came, also where they break a rule; extensions of a
/// kind that CloudEvents does not have are kept as JSON; any `specversion` is read. Data is kept as it came and decoded when
/// [`data_as`](Self::data_as) asks for it.
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
    /// Starts an event. `source` is a URI-reference that says where it comes from, absolute or relative; `event_type`
    /// says what happened, and should begin with a reversed domain name: `com.example.order.created`.
    pub fn builder(source: impl Into<String>, event_type: impl Into<String>) -> CloudEventBuilder {
        CloudEventBuilder::new(source.into(), event_type.into())
    }

    /// An event with a new id and this data as JSON, and nothing besides.
    ///
    /// # Errors
    ///
    /// As [`CloudEventBuilder::build`].
    pub fn new(
        source: impl Into<String>,
        event_type: impl Into<String>,
        data: &(impl serde::Serialize + ?Sized),
    ) -> Result<Self, InvalidEvent> {
        Self::builder(source, event_type).data_json(data).build()
    }

    /// The same event in the making again, as for a changed copy. All its rules are checked when it is built, also those that
    /// a received event may have broken.
    pub fn into_builder(self) -> CloudEventBuilder {
        CloudEventBuilder::from(self)
    }

    /// The version of the specification: `1.0`, unless the event was received with another one.
    #[must_use]
    pub fn specversion(&self) -> &str {
        &self.specversion
    }

    /// What tells it from the other events of its source.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it comes from: a URI-reference, as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What happened: the attribute `type`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What it happened to, within the source.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it happened.
    ///
    /// # Errors
    ///
    /// `Some(Err(..))` for a time that was received and is not one of RFC 3339; [`time_text`](Self::time_text) has it.
    #[must_use]
    pub fn time(&self) -> Option<Result<SystemTime, InvalidEvent>> {
        let text = self.time_text()?;
        let refuse = || InvalidEvent::attribute("time", "is not a time of RFC 3339", text);
        Some(timestamp::parse(text).ok_or_else(refuse))
    }

    /// When it happened, as it was written.
    #[must_use]
    pub fn time_text(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// The media type of the data. JSON where there is none.
    #[must_use]
    pub fn datacontenttype(&self) -> Option<&str> {
        self.datacontenttype.as_deref()
    }

    /// The schema of the data: a URI, as it was written. Services of Azure are known to write `#`.
    #[must_use]
    pub fn dataschema(&self) -> Option<&str> {
        self.dataschema.as_deref()
    }

    /// An extension attribute.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&ExtensionValue> {
        self.extensions.get(name)
    }

    /// The extension attributes, in the order of their names.
    pub fn extensions(&self) -> impl ExactSizeIterator<Item = (&str, &ExtensionValue)> {
        self.extensions.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The data, in the form in which it was given or arrived.
    #[must_use]
    pub fn data(&self) -> Option<&Data> {
        self.data.as_ref()
    }

    /// Takes the data out, without a copy.
    #[must_use]
    pub fn into_data(self) -> Option<Data> {
        self.data
    }

    /// Reads JSON data as a value of the caller's type: what arrived as JSON, and bytes with a JSON content type.
    ///
    /// # Errors
    ///
    /// No data, text, bytes of another content type or of none, JSON that does not fit the type.
    pub fn data_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, InvalidEvent> {
        let what = match &self.data {
            Some(Data::Json(json)) => return json.decode(),
            // Without a content type, bytes must not be taken for JSON.
            Some(Data::Binary(bytes)) if self.datacontenttype.is_some() && self.has_json_type() => {
                let misfit = |error| InvalidEvent::json("the data does not fit the type asked for", &error);
                return serde_json::from_slice(bytes).map_err(misfit);
            }
            Some(Data::Binary(_)) => "bytes",
            Some(Data::Text(_)) => "text",
            None => return Err(InvalidEvent::new("the event has no data")),
        };
        let of =
            self.datacontenttype().map_or_else(String::new, |kind| format!(" of the content type {kind:?}"));
        Err(InvalidEvent::new(format!("the event's data is {what}{of}, not JSON")))
    }

    fn has_json_type(&self) -> bool {
        data::is_json(self.datacontenttype())
    }
}
