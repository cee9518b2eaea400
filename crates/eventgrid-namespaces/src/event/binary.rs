//! Events over HTTP: with attributes in `ce-` headers and the data as the body (binary mode), or entirely in a JSON body.
//!
//! Implements the [HTTP binding](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md),
//! section 3.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use super::{CloudEvent, Data, ExtensionValue, InvalidEvent, Json, SPEC_VERSION, data, rules};

/// The prefix of every content type of the structured and the batched mode.
const NOT_BINARY: &str = "application/cloudevents";
const BATCH: &str = "application/cloudevents-batch";

/// Section 3.1.3.2; everything outside ASCII is escaped in any case.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

impl CloudEvent {
    /// Encodes the event in binary mode: percent-encoded `ce-` headers, the data's content type, and the data as the body.
    ///
    /// JSON data without a content type gets the implied one, `application/json`. Extensions lose their types and arrive as
    /// strings. Not every consumer decodes the percent-encoding, so the structured mode is safer.
    ///
    /// # Errors
    ///
    /// Returns an error if the content type is that of another mode (`application/cloudevents..`), since consumers would read
    /// the event in that mode. Also returns an error in cases that only a received event can have: an extension's name is
    /// invalid, its value is not a Boolean, an Integer or a String, or the content type is not a valid header value.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), eventgrid_namespaces::InvalidEvent> {
    /// use eventgrid_namespaces::CloudEvent;
    ///
    /// let event = CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?;
    /// let (headers, body) = event.to_http()?;
    /// assert_eq!(headers["ce-type"], "com.example.order.created");
    /// assert_eq!(body, r#"["screws"]"#);
    ///
    /// let received = CloudEvent::from_http(&headers, body)?;
    /// assert_eq!(received.id(), event.id());
    /// # Ok(()) }
    /// ```
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
                let rule = "must be a Boolean, an Integer or a String to be sent as a header";
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
        let invalid = |rule| InvalidEvent::attribute("datacontenttype", rule, content_type);
        if data::starts_with(content_type, NOT_BINARY) {
            return Err(invalid("must not be the content type of another mode in binary mode"));
        }
        HeaderValue::from_str(content_type).map(Some).map_err(|_| invalid("must be a valid header value"))
    }

    /// Reads an event from a request's headers and body.
    ///
    /// The content type selects structured or binary mode. In binary mode, a body with a JSON content type becomes JSON, and a
    /// body with a `text/` content type becomes text. Other bodies, and those that are not valid JSON or UTF-8, are kept as
    /// bytes. An empty body is no data. A `ce-datacontenttype` header is ignored in favor of `Content-Type`.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`from_json`](Self::from_json). Also returns an error if the body is a batch, or if a `ce-`
    /// header appears twice, is not UTF-8 when decoded, or has the name of the data (`ce-data`, `ce-data_base64`).
    pub fn from_http(headers: &HeaderMap, body: Bytes) -> Result<Self, InvalidEvent> {
        let content_type = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        match content_type.as_deref() {
            Some(kind) if data::starts_with(kind, BATCH) => Err(InvalidEvent::new(
                "the body is a batch of events: parse it as a JSON array of `CloudEvent`",
            )),
            Some(kind) if data::starts_with(kind, NOT_BINARY) => Self::from_json(&body),
            kind => from_headers(headers, kind, body),
        }
    }
}

fn header(name: &str) -> Result<HeaderName, InvalidEvent> {
    let invalid = |_| InvalidEvent::attribute(name, "has a name that is not a valid header name", "");
    HeaderName::try_from(format!("ce-{name}")).map_err(invalid)
}

fn escaped(name: &str, value: &str) -> Result<HeaderValue, InvalidEvent> {
    let text = Cow::from(utf8_percent_encode(value, ESCAPED));
    HeaderValue::from_str(&text)
        .map_err(|_| InvalidEvent::attribute(name, "must be a valid header value", value))
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
            return Err(InvalidEvent::new(format!("the header `ce-{name}` does not name an attribute")));
        }
        if attributes.insert(name.to_owned(), unescaped(name, value.as_bytes())?).is_some() {
            return Err(InvalidEvent::new(format!("the header `ce-{name}` appears twice")));
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

/// Decodes a header's value: older senders quote it, and all senders percent-encode it once.
fn unescaped(name: &str, value: &[u8]) -> Result<String, InvalidEvent> {
    let value = match value {
        [b'"', quoted @ .., b'"'] => Cow::Owned(unquoted(quoted)),
        plain => Cow::Borrowed(plain),
    };
    let text = percent_decode(&value).decode_utf8();
    let invalid = |_| InvalidEvent::new(format!("the header `ce-{name}` is not UTF-8 when percent-decoded"));
    text.map(Cow::into_owned).map_err(invalid)
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
