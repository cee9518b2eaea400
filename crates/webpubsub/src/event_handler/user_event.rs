//! The events that clients send to the handler.

use std::fmt;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::{DeserializeOwned, IgnoredAny};
use service_core::{Error, ErrorKind};

use super::Context;
use super::head::{media_type, owned, prefixed};
use super::rejection::Rejection;
use crate::json;

/// Contains the payload of a user event, according to the data type that the client specified.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// The client sent a text.
    Text(String),
    /// The client sent JSON. Its syntax has been validated, and a byte order mark before it has been removed.
    Json(Bytes),
    /// The client sent bytes, or data that its content type does not describe.
    Binary(Bytes),
    /// The client sent a serialized `google.protobuf.Any`.
    Protobuf(Bytes),
}

impl Data {
    /// Returns the bytes of the payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Json(bytes) | Self::Binary(bytes) | Self::Protobuf(bytes) => bytes,
        }
    }
}

/// Formats the kind and the length, but not the content.
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

/// Represents an event that a client sent: a custom event, a message of a client without a subprotocol, or an `invoke` that
/// waits for its result.
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

    /// Returns the name of the event, which is `message` for clients without a subprotocol.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the payload.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Consumes the event and returns its payload.
    #[must_use]
    pub fn into_data(self) -> Data {
        self.data
    }

    /// Returns the content type as received.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns the payload if it is a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Deserializes the payload from JSON.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Decode`] if the payload is not JSON, or if it cannot be deserialized as `T`. The error does not
    /// contain the payload.
    pub fn json<T: DeserializeOwned>(&self) -> service_core::Result<T> {
        let invalid = |text| Error::new(ErrorKind::Decode, text);
        let Data::Json(json) = &self.data else {
            return Err(invalid("the data of the event is not JSON"));
        };
        serde_json::from_slice(json).map_err(|_| invalid("the data of the event is not the expected JSON"))
    }

    /// Returns the metadata of the event, with keys in lower case.
    ///
    /// Metadata is a preview feature of the service.
    #[cfg(feature = "preview")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    #[must_use]
    pub fn metadata(&self) -> crate::Metadata {
        crate::Metadata::from_headers(self.context.headers())
    }

    /// Returns the user properties of an MQTT client's PUBLISH packet, with names in lower case.
    pub fn mqtt_user_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.context.mqtt().map(|_| prefixed(self.context.headers(), "mqtt-"));
        properties.into_iter().flatten()
    }
}

/// Treats an unknown content type as bytes, since MQTT clients can set any content type.
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
    let json = json::without_mark(body.clone());
    if serde_json::from_slice::<IgnoredAny>(&json).is_ok() {
        return Ok(Data::Json(json));
    }
    // The service's reference uses this content type in its example of protobuf data, too, and MQTT clients can set any.
    // An error would drop the client, so only a client whose data must be JSON is rejected.
    match context.subprotocol().map(str::to_ascii_lowercase) {
        Some(name) if name.contains("protobuf") => Ok(Data::Protobuf(body)),
        Some(name) if name.starts_with("json.") => Err(Rejection::bad_request("the body is not JSON")),
        _ => Ok(Data::Binary(body)),
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
