//! Making an event: every rule is checked, and the first one that is broken comes out of `build`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;

use super::{CloudEvent, Data, ExtensionValue, InvalidEvent, Json, SPEC_VERSION, data, id, rules, timestamp};

/// A [`CloudEvent`] in the making. What is wrong with its arguments comes out of [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug, Clone)]
pub struct CloudEventBuilder {
    id: Option<String>,
    event: CloudEvent,
    refused: Option<InvalidEvent>,
}

impl CloudEventBuilder {
    pub(super) fn new(source: String, event_type: String) -> Self {
        let event = CloudEvent {
            specversion: Cow::Borrowed(SPEC_VERSION),
            id: String::new(),
            source,
            event_type,
            subject: None,
            time: None,
            datacontenttype: None,
            dataschema: None,
            extensions: BTreeMap::new(),
            data: None,
        };
        Self { id: None, event, refused: None }
    }

    /// Sets the id, unique among the events of the source. Default: a random UUID.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the source, a URI-reference.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.event.source = source.into();
        self
    }

    /// Sets the attribute `type`.
    pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
        self.event.event_type = event_type.into();
        self
    }

    /// Sets what the event happened to, within its source.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.event.subject = Some(subject.into());
        self
    }

    /// Sets when it happened; written in UTC. An event has no time of its own accord.
    pub fn time(mut self, time: SystemTime) -> Self {
        match timestamp::format(time) {
            Ok(text) => self.event.time = Some(text),
            Err(refused) => self.check(Err(refused)),
        }
        self
    }

    /// Sets when it happened, as RFC 3339 writes it: `2030-01-31T17:31:00.25+02:00`. The offset is kept.
    pub fn time_text(mut self, time: impl Into<String>) -> Self {
        self.event.time = Some(time.into());
        self
    }

    /// Sets the schema of the data: a URI with its scheme. A fragment is taken too.
    pub fn dataschema(mut self, uri: impl Into<String>) -> Self {
        self.event.dataschema = Some(uri.into());
        self
    }

    /// Sets the media type of the data, such as `application/json`. An event with JSON data needs none.
    pub fn datacontenttype(mut self, media_type: impl Into<String>) -> Self {
        self.event.datacontenttype = Some(media_type.into());
        self
    }

    /// Sets an extension attribute. Names consist of `a` to `z` and `0` to `9`; they should begin with a letter and be no
    /// longer than 20.
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<ExtensionValue>) -> Self {
        self.event.extensions.insert(name.into(), value.into());
        self
    }

    /// Sets the data to a value that is written as JSON.
    pub fn data_json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match Json::of(value) {
            Ok(json) => self.event.data = Some(Data::Json(json)),
            Err(refused) => self.check(Err(refused)),
        }
        self
    }

    /// Sets the data to JSON that is written already; it is sent as it is.
    pub fn data_json_text(mut self, json: impl AsRef<str>) -> Self {
        match Json::parse(json.as_ref()) {
            Ok(json) => self.event.data = Some(Data::Json(json)),
            Err(refused) => self.check(Err(refused)),
        }
        self
    }

    /// Sets the data to a text. Its media type is `text/plain` unless [`datacontenttype`](Self::datacontenttype) says
    /// otherwise; a text under a JSON type is refused, since readers would take it for a JSON string.
    pub fn data_text(mut self, text: impl Into<String>) -> Self {
        self.event.data = Some(Data::Text(text.into()));
        self
    }

    /// Sets the data to bytes of this media type, and the attribute `datacontenttype` with them.
    pub fn data_bytes(mut self, bytes: impl Into<Bytes>, media_type: impl Into<String>) -> Self {
        self.event.data = Some(Data::Binary(bytes.into()));
        self.datacontenttype(media_type)
    }

    /// Checks everything and makes the event.
    ///
    /// # Errors
    ///
    /// The first rule of the specification that an attribute breaks, with its value; JSON data under a media type that is
    /// not JSON, text under one that is; data that cannot be written as JSON.
    pub fn build(self) -> Result<CloudEvent, InvalidEvent> {
        let Self { id: given, mut event, refused } = self;
        if let Some(refused) = refused {
            return Err(refused);
        }
        event.id = given.unwrap_or_else(id::random);
        if matches!(event.data, Some(Data::Text(_))) && event.datacontenttype.is_none() {
            event.datacontenttype = Some("text/plain".to_owned());
        }
        check(&event)?;
        Ok(event)
    }

    fn check(&mut self, rule: Result<(), InvalidEvent>) {
        if let Err(refused) = rule
            && self.refused.is_none()
        {
            self.refused = Some(refused);
        }
    }
}

impl From<CloudEvent> for CloudEventBuilder {
    fn from(mut event: CloudEvent) -> Self {
        Self { id: Some(std::mem::take(&mut event.id)), event, refused: None }
    }
}

fn check(event: &CloudEvent) -> Result<(), InvalidEvent> {
    if event.specversion != SPEC_VERSION {
        return Err(InvalidEvent::attribute("specversion", "must be `1.0`", &event.specversion));
    }
    rules::filled("id", &event.id)?;
    rules::uri_reference("source", &event.source)?;
    rules::filled("type", &event.event_type)?;
    optional("subject", &event.subject, rules::filled)?;
    optional("time", &event.time, time)?;
    optional("dataschema", &event.dataschema, rules::uri)?;
    optional("datacontenttype", &event.datacontenttype, rules::media_type)?;
    for (name, value) in &event.extensions {
        extension(name, value)?;
    }
    form(event)
}

type Rule = fn(&str, &str) -> Result<(), InvalidEvent>;

fn optional(name: &str, value: &Option<String>, rule: Rule) -> Result<(), InvalidEvent> {
    value.as_deref().map_or(Ok(()), |value| rule(name, value))
}

fn time(name: &str, value: &str) -> Result<(), InvalidEvent> {
    match timestamp::parse(value) {
        Some(_) => Ok(()),
        None => Err(InvalidEvent::attribute(name, "must be a time of RFC 3339", value)),
    }
}

fn extension(name: &str, value: &ExtensionValue) -> Result<(), InvalidEvent> {
    rules::extension_name(name)?;
    match value {
        ExtensionValue::String(text) => rules::string(name, text),
        ExtensionValue::Json(json) => {
            let rule = "must be a Boolean, an Integer of 32 bits or a String";
            Err(InvalidEvent::attribute(name, rule, json.as_str()))
        }
        ExtensionValue::Boolean(_) | ExtensionValue::Integer(_) => Ok(()),
    }
}

/// JSON format, section 3.1: the content type tells readers which form the data has.
fn form(event: &CloudEvent) -> Result<(), InvalidEvent> {
    let rule = match (&event.data, data::is_json(event.datacontenttype())) {
        (Some(Data::Json(_)), false) => "must be a JSON media type for data that is JSON",
        (Some(Data::Text(_)), true) => "must not be a JSON media type for data that is text",
        _ => return Ok(()),
    };
    Err(InvalidEvent::attribute("datacontenttype", rule, event.datacontenttype().unwrap_or_default()))
}
