//! Events over HTTP: attributes in `ce-` headers and the data as the body (binary mode), or all in a JSON body.
//!
//! Written after the [HTTP binding](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md),
//! section 3.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use super::{CloudEvent, Data, ExtensionValue, InvalidEvent, Json, SPEC_VERSION, data, rules};

/// What every content type of the structured and the batched mode begins with.
const NOT_BINARY: &str = "application/cloudevents";
const BATCH: &str = "application/cloudevents-batch";

/// Section 3.1.3.2; everything outside ASCII is escaped in any case.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

impl CloudEvent {
    /// The event in binary mode: `ce-` headers, percent-encoded, the data's content type, and the data as the body.
    ///
    /// JSON data without a content type gets the one that it implies, `application/json`. Types of extensions do not survive:
    /// they arrive as strings. Not every consumer undoes the percent-encoding, so the structured mode is the safer one.
    ///
    /// # Errors
    ///
    /// What only a received event can have: an extension whose name is no name of CloudEvents, or whose value is neither
    /// Boolean, Integer nor String, and a content type that fits no header. A content type of the other modes,
    /// `application/cloudevents..`, would be read as that mode and is refused too.
    pub fn to_http(&self) -> Result<(HeaderMap, Bytes), InvalidEvent> {
        let mut headers = HeaderMap::with_capacity(8 + self.extensions.len());
        let required = [
            ("specversion", &*self.specversion),
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.event_type),
        ];
        for (name, value) in required {
            headers.insert(header(name)?, escaped(name, value)?);
        }
        for (name, value) in self.optional() {
            if let Some(value) = value.as_ref().filter(|_| name != "datacontenttype") {
                headers.insert(header(name)?, escaped(name, value)?);
            }
        }
        for (name, value) in &self.extensions {
            if let ExtensionValue::Json(_) = value {
                let rule = "is neither Boolean, Integer nor String, so no header can carry it";
                return Err(InvalidEvent::attribute(name, rule, &value.to_string()));
            }
            rules::extension_name(name)?;
            headers.insert(header(name)?, escaped(name, &value.to_string())?);
        }
        if let Some(content_type) = self.body_type()? {
            headers.insert(CONTENT_TYPE, content_type);
        }
        Ok((headers, self.data.as_ref().map(Data::to_bytes).unwrap_or_default()))
    }

    fn body_type(&self) -> Result<Option<HeaderValue>, InvalidEvent> {
        let implied = matches!(self.data, Some(Data::Json(_))).then_some("application/json");
        let Some(content_type) = self.datacontenttype().or(implied) else { return Ok(None) };
        let refuse = |rule| InvalidEvent::attribute("datacontenttype", rule, content_type);
        if data::starts_with(content_type, NOT_BINARY) {
            return Err(refuse("is that of another mode, so the event cannot be sent in binary mode"));
        }
        HeaderValue::from_str(content_type).map(Some).map_err(|_| refuse("fits no header"))
    }

    /// Reads an event from a request's headers and body, in structured or binary mode, whichever the content type says.
    ///
    /// In binary mode a body of a JSON content type becomes JSON, one of a `text/` type becomes text, where it is that;
    /// every other one is kept as bytes, and an empty one is no data. A header `ce-datacontenttype` is of no account, since
    /// `Content-Type` says it.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json); a batch; a `ce-` header that stands twice, that is no UTF-8 when decoded, or that
    /// is named after the data.
    pub fn from_http(headers: &HeaderMap, body: Bytes) -> Result<Self, InvalidEvent> {
        let content_type = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        match content_type.as_deref() {
            Some(kind) if data::starts_with(kind, BATCH) => {
                Err(InvalidEvent::new("the body is a batch: read it as JSON, a list of events"))
            }
            Some(kind) if data::starts_with(kind, NOT_BINARY) => Self::from_json(&body),
            kind => from_headers(headers, kind, body),
        }
    }
}

fn header(name: &str) -> Result<HeaderName, InvalidEvent> {
    let refuse = |_| InvalidEvent::attribute(name, "has a name that fits no header", "");
    HeaderName::try_from(format!("ce-{name}")).map_err(refuse)
}

fn escaped(name: &str, value: &str) -> Result<HeaderValue, InvalidEvent> {
    let text = Cow::from(utf8_percent_encode(value, ESCAPED));
    HeaderValue::from_str(&text).map_err(|_| InvalidEvent::attribute(name, "fits no header", value))
}

fn from_headers(
    headers: &HeaderMap,
    content_type: Option<&str>,
    body: Bytes,
) -> Result<CloudEvent, InvalidEvent> {
    let mut attributes = BTreeMap::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        if matches!(name, "" | "data" | "data_base64") {
            return Err(InvalidEvent::new(format!("the header `ce-{name}` names no attribute")));
        }
        if attributes.insert(name.to_owned(), unescaped(name, value.as_bytes())?).is_some() {
            return Err(InvalidEvent::new(format!("the header `ce-{name}` stands twice")));
        }
    }
    attributes.remove("datacontenttype");
    let mut required = |name| match attributes.remove(name) {
        Some(value) if !value.is_empty() => Ok(value),
        Some(_) => Err(InvalidEvent::new(format!("the header `ce-{name}` must not be empty"))),
        None => Err(InvalidEvent::new(format!("the header `ce-{name}` is missing"))),
    };
    let specversion = required("specversion")?;
    Ok(CloudEvent {
        specversion: if specversion == SPEC_VERSION {
            Cow::Borrowed(SPEC_VERSION)
        } else {
            Cow::Owned(specversion)
        },
        id: required("id")?,
        source: required("source")?,
        event_type: required("type")?,
        subject: attributes.remove("subject"),
        time: attributes.remove("time"),
        datacontenttype: content_type.map(str::to_owned),
        dataschema: attributes.remove("dataschema"),
        extensions: attributes
            .into_iter()
            .map(|(name, value)| (name, ExtensionValue::String(value)))
            .collect(),
        data: data_of(content_type, body),
    })
}

fn data_of(content_type: Option<&str>, body: Bytes) -> Option<Data> {
    if body.is_empty() {
        return None;
    }
    let text = content_type.and_then(|_| std::str::from_utf8(&body).ok());
    let formed = match (text, content_type) {
        (Some(text), kind) if data::is_json(kind) => Json::parse(text).ok().map(Data::Json),
        (Some(text), Some(kind)) if data::starts_with(kind, "text/") => Some(Data::Text(text.to_owned())),
        _ => None,
    };
    Some(formed.unwrap_or(Data::Binary(body)))
}

/// Older senders quote a value, and all of them percent-encode it, once.
fn unescaped(name: &str, value: &[u8]) -> Result<String, InvalidEvent> {
    let value = match value {
        [b'"', quoted @ .., b'"'] => Cow::Owned(unquoted(quoted)),
        plain => Cow::Borrowed(plain),
    };
    let text = percent_decode(&value).decode_utf8();
    let refuse = |_| InvalidEvent::new(format!("the header `ce-{name}` is not UTF-8 when percent-decoded"));
    text.map(Cow::into_owned).map_err(refuse)
}

fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        let escaped = if *byte == b'\\' { bytes.next() } else { None };
        plain.push(*escaped.unwrap_or(byte));
    }
    plain
}
