//! What a client sends to the handler.

use std::fmt;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::{DeserializeOwned, IgnoredAny};
use service_core::{Error, ErrorKind};

use super::Context;
use super::head::{media_type, owned, prefixed};
use super::rejection::Rejection;

/// The payload of a user event, by the data type that the client gave it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// A text.
    Text(String),
    /// A JSON text, checked to be one.
    Json(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A serialised `google.protobuf.Any`.
    Protobuf(Bytes),
}

impl Data {
    /// The payload as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Json(bytes) | Self::Binary(bytes) | Self::Protobuf(bytes) => bytes,
        }
    }
}

/// Shows kind and length, not the content.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Text(_) => "Text",
            Self::Json(_) => "Json",
            Self::Binary(_) => "Binary",
            Self::Protobuf(_) => "Protobuf",
        };
        write!(f, "{kind}({} bytes)", self.as_bytes().len())
    }
}

/// An event that a client sent, a message of a simple client, or an `invoke` that waits for its result.
#[derive(Debug, Clone)]
pub struct UserEvent {
    name: String,
    content_type: Option<String>,
    data: Data,
    context: Context,
}

impl UserEvent {
    pub(super) fn read(name: String, body: Bytes, context: &Context) -> Result<Self, Rejection> {
        let content_type = owned(context.headers(), "content-type")?;
        let data = data(context, body)?;
        Ok(Self { name, content_type, data, context: context.clone() })
    }

    /// The name of the event; `message` for simple clients.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The payload.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The payload, taken over.
    #[must_use]
    pub fn into_data(self) -> Data {
        self.data
    }

    /// The content type as it came.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The payload, if it is a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The payload read as JSON.
    ///
    /// # Errors
    ///
    /// The payload is of another data type, or not such a value. Neither error repeats it.
    pub fn json<T: DeserializeOwned>(&self) -> service_core::Result<T> {
        let invalid = |text| Error::new(ErrorKind::Decode, text);
        let Data::Json(json) = &self.data else {
            return Err(invalid("the event's data is not JSON"));
        };
        serde_json::from_slice(json).map_err(|_| invalid("the event's data is not the expected JSON"))
    }

    /// The metadata that came with the message (a preview of the service), names in lower case.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        prefixed(self.context.headers(), "x-webpubsub-metadata-")
    }

    /// The user properties of an MQTT client's PUBLISH packet, names in lower case.
    pub fn mqtt_user_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_mqtt = self.context.mqtt().map(|_| prefixed(self.context.headers(), "mqtt-"));
        of_mqtt.into_iter().flatten()
    }
}

/// An unknown content type is taken as bytes: MQTT clients choose it themselves.
fn data(context: &Context, body: Bytes) -> Result<Data, Rejection> {
    let media_type = media_type(context.headers())?;
    if media_type.eq_ignore_ascii_case("text/plain") {
        let text = String::from_utf8(body.into());
        return text.map(Data::Text).map_err(|_| Rejection::bad_request("the body is not UTF-8"));
    }
    if media_type.eq_ignore_ascii_case("application/x-protobuf") {
        return Ok(Data::Protobuf(body));
    }
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Ok(Data::Binary(body));
    }
    let is_json = serde_json::from_slice::<IgnoredAny>(&body).is_ok();
    // The service's reference prints this content type in its sample of protobuf data, too.
    let may_be_protobuf = context.subprotocol().is_some_and(|name| name.contains("protobuf"));
    match (is_json, may_be_protobuf) {
        (true, _) => Ok(Data::Json(body)),
        (false, true) => Ok(Data::Protobuf(body)),
        (false, false) => Err(Rejection::bad_request("the body is not JSON")),
    }
}

pub(super) fn name(headers: &HeaderMap, from_type: &str) -> Result<String, Rejection> {
    let name = owned(headers, "ce-eventname")?.unwrap_or_else(|| from_type.to_owned());
    if name.is_empty() {
        return Err(Rejection::bad_request(
            "the user event has no name, neither in ce-eventName nor in ce-type",
        ));
    }
    Ok(name)
}
