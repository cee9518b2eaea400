//! How a handler answers a user event.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use service_core::Error;

use super::head::STATE;
use super::rejection::{BINARY, JSON, TEXT, empty, with_body};
use super::{ConnectionState, Result};

/// Accepts a user event and, if there is something to say, sends it to the client as a message of the server; an `invoke`
/// gets it as its result. To refuse an event, return an error; the service then drops the connection.
#[derive(Debug, Clone, Default)]
#[must_use = "does nothing until returned"]
pub struct UserEventResponse {
    body: Option<(&'static str, Bytes)>,
    state: Option<ConnectionState>,
    mqtt_user_properties: Vec<(String, String)>,
}

impl UserEventResponse {
    /// Sends nothing to the client.
    pub fn none() -> Self {
        Self::default()
    }

    /// Sends a text. An empty one is not sent: the service takes it for no answer.
    pub fn text(text: impl Into<String>) -> Self {
        Self::with_body(TEXT, text.into())
    }

    /// Sends a value as JSON.
    ///
    /// # Errors
    ///
    /// The value does not serialise as JSON.
    pub fn json(value: &impl Serialize) -> service_core::Result<Self> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Error::invalid_input("answer", "cannot be written as JSON", None).with_source(error)
        })?;
        Ok(Self::with_body(JSON, json))
    }

    /// Sends bytes. None at all are not sent: the service takes them for no answer.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::with_body(BINARY, bytes)
    }

    fn with_body(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { body: Some((content_type, body.into())), ..Self::default() }
    }

    /// Replaces the state that comes back with each later event of the connection.
    pub fn state(mut self, state: ConnectionState) -> Self {
        self.state = Some(state);
        self
    }

    /// Adds a user property to the message that an MQTT client gets at its response topic. It travels as a header: a name or
    /// value that cannot be one fails the event with 500.
    pub fn mqtt_user_property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.mqtt_user_properties.push((name.into(), value.into()));
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
        Ok(response)
    }
}
