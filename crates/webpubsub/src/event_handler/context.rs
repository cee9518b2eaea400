//! Which connection an event is about, as the headers tell it.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use super::head::{self, STATE};
use super::rejection::Rejection;
use super::{ConnectionState, MqttSession};

/// What the service tells with each event. Cheap to clone, so that work can go on after the answer.
///
/// `Debug` shows who and what, but neither the connection's state nor the headers.
/// <https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events#web-pubsub-cloudevents-attribute-extension>
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    hub: String,
    connection_id: String,
    user_id: Option<String>,
    subprotocol: Option<String>,
    event_type: String,
    event_id: Option<String>,
    time: Option<String>,
    state: Option<ConnectionState>,
    mqtt: Option<MqttSession>,
    verified: bool,
    headers: HeaderMap,
}

impl Context {
    pub(super) fn read(headers: &HeaderMap, verified: bool) -> Result<Self, Rejection> {
        let subprotocol = head::owned(headers, "ce-subprotocol")?;
        let is_mqtt = subprotocol.as_deref() == Some("mqtt");
        Ok(Self(Arc::new(Inner {
            hub: head::required(headers, "ce-hub")?.to_owned(),
            connection_id: head::required(headers, "ce-connectionid")?.to_owned(),
            user_id: head::owned(headers, "ce-userid")?,
            event_type: head::required(headers, "ce-type")?.to_owned(),
            event_id: head::owned(headers, "ce-id")?,
            time: head::owned(headers, "ce-time")?,
            state: head::owned(headers, STATE)?.map(ConnectionState::received),
            mqtt: if is_mqtt { MqttSession::read(headers)? } else { None },
            subprotocol,
            verified,
            headers: headers.clone(),
        })))
    }

    /// The hub, as the service spells it.
    #[must_use]
    pub fn hub(&self) -> &str {
        &self.0.hub
    }

    /// The connection; for MQTT the client id, which stays the same over reconnections of a session.
    #[must_use]
    pub fn connection_id(&self) -> &str {
        &self.0.connection_id
    }

    /// The user, unless the connection is anonymous. Beyond ASCII the service may send it percent-encoded or as it is; it
    /// is told here as it came.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.0.user_id.as_deref()
    }

    /// The subprotocol of the connection; absent for simple clients, and during `connect` except for MQTT.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.0.subprotocol.as_deref()
    }

    /// The type of the event, such as `azure.webpubsub.sys.connect`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.0.event_type
    }

    /// The id of the event, unique for its connection.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.0.event_id.as_deref()
    }

    /// When the event happened, in RFC 3339.
    #[must_use]
    pub fn time(&self) -> Option<&str> {
        self.0.time.as_deref()
    }

    /// The state that an earlier answer set for the connection.
    #[must_use]
    pub fn state(&self) -> Option<&ConnectionState> {
        self.0.state.as_ref()
    }

    /// The session of an MQTT connection.
    #[must_use]
    pub fn mqtt(&self) -> Option<&MqttSession> {
        self.0.mqtt.as_ref()
    }

    /// Whether the signature was checked, which is so unless the webhook was built to accept calls unverified.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.0.verified
    }

    /// All headers of the call: what a handler needs to check a managed identity's token, or cookies. They may hold secrets.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("hub", &self.hub())
            .field("connection_id", &self.connection_id())
            .field("user_id", &self.user_id())
            .field("subprotocol", &self.subprotocol())
            .field("event_type", &self.event_type())
            .field("event_id", &self.event_id())
            .field("is_verified", &self.is_verified())
            .finish_non_exhaustive()
    }
}
