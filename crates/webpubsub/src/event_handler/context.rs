//! The attributes of an event, which are read from the headers of the request.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use super::head::{self, STATE};
use super::rejection::Rejection;
use super::{ConnectionState, MqttSession};

/// Contains the attributes of an event, such as its connection and user. It is cheap to clone, so a task that outlives the
/// response can keep it.
///
/// `Debug` shows neither the state of the connection nor the headers.
///
/// [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events#web-pubsub-cloudevents-attribute-extension)
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

    /// Returns the name of the hub, in the service's spelling.
    #[must_use]
    pub fn hub(&self) -> &str {
        &self.0.hub
    }

    /// Returns the ID of the connection. For MQTT, it is the client ID, which stays the same when a session reconnects.
    #[must_use]
    pub fn connection_id(&self) -> &str {
        &self.0.connection_id
    }

    /// Returns the ID of the user, or `None` if the connection is anonymous.
    ///
    /// The value is returned as received: the service can send non-ASCII IDs percent-encoded or raw.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.0.user_id.as_deref()
    }

    /// Returns the subprotocol of the connection. It is `None` for clients without a subprotocol and, except for MQTT,
    /// during `connect`.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.0.subprotocol.as_deref()
    }

    /// Returns the type of the event, such as `azure.webpubsub.sys.connect`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.0.event_type
    }

    /// Returns the ID of the event, which is unique within its connection.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.0.event_id.as_deref()
    }

    /// Returns the time of the event in RFC 3339 format.
    #[must_use]
    pub fn time(&self) -> Option<&str> {
        self.0.time.as_deref()
    }

    /// Returns the state that an earlier response set for the connection.
    #[must_use]
    pub fn state(&self) -> Option<&ConnectionState> {
        self.0.state.as_ref()
    }

    /// Returns the session of an MQTT connection, or `None` for other connections.
    #[must_use]
    pub fn mqtt(&self) -> Option<&MqttSession> {
        self.0.mqtt.as_ref()
    }

    /// Returns whether the signature was verified. It is `false` only if the webhook accepts unverified requests.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.0.verified
    }

    /// Returns all headers of the request. They can contain secrets. A handler can use them to verify cookies or the token
    /// of a managed identity.
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
