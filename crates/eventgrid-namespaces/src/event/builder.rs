//! Building an event: every rule of the specification is checked, and `build` reports the first violation.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;

use super::{CloudEvent, Data, ExtensionValue, InvalidEvent, Json, SPEC_VERSION, data, id, rules, timestamp};

/// A builder that creates a [`CloudEvent`].
///
/// Invalid arguments are reported by [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug, Clone)]
pub struct CloudEventBuilder {
    id: Option<String>,
    event: CloudEvent,
    invalid: Option<InvalidEvent>,
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
        Self { id: None, event, invalid: None }
    }

    /// Sets the id, which must be unique among the events of the source. Default: a random UUID.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the source, which is a URI-reference.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.event.source = source.into();
        self
    }

    /// Sets the attribute `type`.
    pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
        self.event.event_type = event_type.into();
        self
    }

    /// Sets the subject, which identifies what the event is about within its source.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.event.subject = Some(subject.into());
        self
    }

    /// Sets when the event happened. The time is written in UTC. Default: no time.
    pub fn time(mut self, time: SystemTime) -> Self {
        match timestamp::format(time) {
            Ok(text) => self.event.time = Some(text),
            Err(invalid) => self.check(Err(invalid)),
        }
        self
    }

    /// Sets when the event happened, as RFC 3339 text such as `2030-01-31T17:31:00.25+02:00`. The offset is kept.
    pub fn time_text(mut self, time: impl Into<String>) -> Self {
        self.event.time = Some(time.into());
        self
    }

    /// Sets the schema of the data, which is an absolute URI and may have a fragment.
    pub fn dataschema(mut self, uri: impl Into<String>) -> Self {
        self.event.dataschema = Some(uri.into());
        self
    }

    /// Sets the media type of the data, such as `application/json`. It is optional for JSON data.
    pub fn datacontenttype(mut self, media_type: impl Into<String>) -> Self {
        self.event.datacontenttype = Some(media_type.into());
        self
    }

    /// Sets an extension attribute.
    ///
    /// Names consist of `a` to `z` and `0` to `9`. They should begin with a letter and have at most 20 characters.
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<ExtensionValue>) -> Self {
        self.event.extensions.insert(name.into(), value.into());
        self
    }

    /// Sets the data to a value that is serialized as JSON.
    pub fn data_json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match Json::of(value) {
            Ok(json) => self.event.data = Some(Data::Json(json)),
            Err(invalid) => self.check(Err(invalid)),
        }
        self
    }

    /// Sets the data to JSON text, which is sent verbatim.
    pub fn data_json_text(mut self, json: impl AsRef<str>) -> Self {
        match Json::parse(json.as_ref()) {
            Ok(json) => self.event.data = Some(Data::Json(json)),
            Err(invalid) => self.check(Err(invalid)),
        }
        self
    }

    /// Sets the data to text.
    ///
    /// Its media type is `text/plain` unless [`datacontenttype`](Self::datacontenttype) sets another one. A JSON media type is
    /// invalid for text, since consumers would read the text as a JSON string.
    pub fn data_text(mut self, text: impl Into<String>) -> Self {
        self.event.data = Some(Data::Text(text.into()));
        self
    }

    /// Sets the data to bytes, and the attribute `datacontenttype` to their media type.
    pub fn data_bytes(mut self, bytes: impl Into<Bytes>, media_type: impl Into<String>) -> Self {
        self.event.data = Some(Data::Binary(bytes.into()));
        self.datacontenttype(media_type)
    }

    /// Validates the attributes and creates the event.
    ///
    /// # Errors
    ///
    /// Returns an error if an attribute breaks a rule of the specification; the error contains the rule and the value. Also
    /// returns an error if the media type does not match the data (JSON data with another media type, or text with a JSON media
    /// type), or if the data cannot be serialized as JSON.
    pub fn build(mut self) -> Result<CloudEvent, InvalidEvent> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        // Completed in place, since an event is large.
        let event = &mut self.event;
        event.id = self.id.unwrap_or_else(id::random);
        if matches!(event.data, Some(Data::Text(_))) && event.datacontenttype.is_none() {
            event.datacontenttype = Some("text/plain".to_owned());
        }
        check(event)?;
        Ok(self.event)
    }

    fn check(&mut self, rule: Result<(), InvalidEvent>) {
        if let Err(invalid) = rule
            && self.invalid.is_none()
        {
            self.invalid = Some(invalid);
        }
    }
}

impl From<CloudEvent> for CloudEventBuilder {
    fn from(mut event: CloudEvent) -> Self {
        Self { id: Some(std::mem::take(&mut event.id)), event, invalid: None }
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
        None => Err(InvalidEvent::attribute(name, "must be an RFC 3339 timestamp", value)),
    }
}

fn extension(name: &str, value: &ExtensionValue) -> Result<(), InvalidEvent> {
    rules::extension_name(name)?;
    match value {
        ExtensionValue::String(text) => rules::string(name, text),
        ExtensionValue::Json(json) => {
            let rule = "must be a Boolean, a 32-bit Integer or a String";
            Err(InvalidEvent::attribute(name, rule, json.as_str()))
        }
        ExtensionValue::Boolean(_) | ExtensionValue::Integer(_) => Ok(()),
    }
}

/// JSON format, section 3.1: consumers derive the form of the data from the content type.
fn form(event: &CloudEvent) -> Result<(), InvalidEvent> {
    let rule = match (&event.data, data::is_json(event.datacontenttype())) {
        (Some(Data::Json(_)), false) => "must be a JSON media type for data that is JSON",
        (Some(Data::Text(_)), true) => "must not be a JSON media type for data that is text",
        _ => return Ok(()),
    };
    Err(InvalidEvent::attribute("datacontenttype", rule, event.datacontenttype().unwrap_or_default()))
}
