//! The response with which a handler accepts a user event.

use std::fmt;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use service_core::Error;

use super::head::STATE;
use super::rejection::{BINARY, JSON, TEXT, empty, with_body};
use super::{ConnectionState, Result};

/// Accepts a user event and optionally sends a message to the client. For an `invoke`, the message is the result.
///
/// To reject an event, return an error. The event then fails, and the service may drop the connection; see
/// [`EventHandler::user_event`](super::EventHandler::user_event).
///
/// # Examples
///
/// ```
/// use webpubsub::event_handler::{ConnectionState, UserEventResponse};
///
/// # fn main() -> webpubsub::Result<()> {
/// let response = UserEventResponse::text("welcome").state(ConnectionState::json(&1)?);
/// let silent = UserEventResponse::none();
/// # let _: [UserEventResponse; 2] = [response, silent];
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
#[must_use = "does nothing until returned"]
pub struct UserEventResponse {
    body: Option<(&'static str, Bytes)>,
    state: Option<ConnectionState>,
    mqtt_user_properties: Vec<(String, String)>,
    #[cfg(feature = "preview")]
    metadata: crate::Metadata,
}

impl UserEventResponse {
    /// Creates a response that sends nothing to the client.
    pub fn none() -> Self {
        Self::default()
    }

    /// Creates a response that sends a text to the client. An empty text is not sent, since the service treats it as no
    /// message.
    pub fn text(text: impl Into<String>) -> Self {
        Self::with_body(TEXT, text.into())
    }

    /// Creates a response that sends a value as JSON to the client.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the value cannot be serialized as JSON.
    pub fn json(value: &impl Serialize) -> service_core::Result<Self> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Error::invalid_input("response", "cannot be written as JSON", None).with_source(error)
        })?;
        Ok(Self::with_body(JSON, json))
    }

    /// Creates a response that sends bytes to the client. Empty content is not sent, since the service treats it as no
    /// message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::with_body(BINARY, bytes)
    }

    fn with_body(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { body: Some((content_type, body.into())), ..Self::default() }
    }

    /// Replaces the state of the connection. The service returns it with each later event of the connection.
    pub fn state(mut self, state: ConnectionState) -> Self {
        self.state = Some(state);
        self
    }

    /// Adds a user property to the message that an MQTT client receives on its response topic.
    ///
    /// The property is transferred as a header. If its name or value is not valid in a header, the event fails with 500.
    pub fn mqtt_user_property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.mqtt_user_properties.push((name.into(), value.into()));
        self
    }

    /// Sets the metadata of the message that the client receives. If the response has no content, the client receives an
    /// empty text with this metadata.
    ///
    /// Headers transfer it, so its keys arrive in lower case, and a value must neither contain a comma nor start or end with a
    /// blank. If it violates a limit of [`Metadata`](crate::Metadata), the event fails with 500.
    ///
    /// Metadata is a preview feature of the service.
    ///
    /// # Examples
    ///
    /// ```
    /// use webpubsub::event_handler::UserEventResponse;
    ///
    /// let response = UserEventResponse::text("welcome").metadata([("language", "en")]);
    /// # let _: UserEventResponse = response;
    /// ```
    #[cfg(feature = "preview")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    pub fn metadata(mut self, metadata: impl Into<crate::Metadata>) -> Self {
        self.metadata = metadata.into();
        self
    }

    pub(super) fn into_response(self) -> Result<Response<Bytes>> {
        let mut response = match self.body {
            Some((content_type, body)) if !body.is_empty() => with_body(StatusCode::OK, content_type, body),
            _ => empty(StatusCode::NO_CONTENT),
        };
        if let Some(state) = self.state {
            response.headers_mut().insert(STATE, state.header()?);
        }
        for (name, value) in self.mqtt_user_properties {
            let name = HeaderName::try_from(format!("mqtt-{name}"))?;
            response.headers_mut().append(name, HeaderValue::try_from(value)?);
        }
        #[cfg(feature = "preview")]
        response.headers_mut().extend(self.metadata.headers()?);
        Ok(response)
    }
}

/// Omits the content and the metadata, which may be secret.
impl fmt::Debug for UserEventResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body.as_ref().map(|(content_type, body)| (content_type, body.len()));
        let mut shape = f.debug_struct("UserEventResponse");
        shape.field("body", &body).field("state", &self.state).finish_non_exhaustive()
    }
}
