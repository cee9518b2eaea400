//! The response with which a handler accepts a connection.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use service_core::Error;

use super::head::STATE;
use super::mqtt::MqttUserProperty;
use super::rejection::{JSON, empty, with_body};
use super::{ConnectionState, Result};
use crate::{Role, names};

/// Accepts a connection. Unless a setter is called, the connection is accepted as requested.
///
/// To reject a connection, return an error, such as [`HandlerError::unauthorized`](super::HandlerError::unauthorized). If a
/// response is invalid, the connection is rejected with 500 and the error is logged.
///
/// # Examples
///
/// ```
/// use webpubsub::Role;
/// use webpubsub::event_handler::{ConnectResponse, ConnectionState};
///
/// # fn main() -> webpubsub::Result<()> {
/// let response = ConnectResponse::accept()
///     .user_id("dave")
///     .groups(["lobby"])
///     .roles([Role::send_to_group("lobby")])
///     .state(ConnectionState::json(&0)?);
/// # let _: ConnectResponse = response;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "does nothing until returned"]
pub struct ConnectResponse {
    grant: Grant,
    roles: Option<Vec<Role>>,
    state: Option<ConnectionState>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subprotocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mqtt: Option<MqttGrant>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct MqttGrant {
    user_properties: Vec<MqttUserProperty>,
}

impl ConnectResponse {
    /// Creates a response that accepts the connection.
    pub fn accept() -> Self {
        Self::default()
    }

    /// Sets the user ID of the connection, which replaces the one in the token.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.grant.user_id = Some(user_id.into());
        self
    }

    /// Sets the groups that the connection joins. This is the complete list. A group name has 1 to 1024 characters.
    pub fn groups(mut self, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grant.groups = Some(groups.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the roles of the client. This is the complete list.
    ///
    /// [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/concept-client-protocols#permissions)
    pub fn roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles = Some(roles.into_iter().collect());
        self
    }

    /// Selects a subprotocol, which must be one that the client offers. By default, the service selects one that it
    /// supports.
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.grant.subprotocol = Some(subprotocol.into());
        self
    }

    /// Sets the state of the connection. The service returns it with each later event of the connection.
    pub fn state(mut self, state: ConnectionState) -> Self {
        self.state = Some(state);
        self
    }

    /// Adds a user property to the CONNACK packet of an MQTT 5.0 client.
    pub fn mqtt_user_property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let properties = &mut self.grant.mqtt.get_or_insert_default().user_properties;
        properties.push(MqttUserProperty { name: name.into(), value: value.into() });
        self
    }

    pub(super) fn into_response(mut self, offered: &[String]) -> Result<Response<Bytes>> {
        let names = |roles: Vec<Role>| roles.iter().map(Role::checked).collect();
        self.grant.roles = self.roles.map(names).transpose()?;
        self.grant.check(offered)?;
        let mut response = match self.grant == Grant::default() {
            true => empty(StatusCode::NO_CONTENT),
            false => with_body(StatusCode::OK, JSON, serde_json::to_vec(&self.grant)?),
        };
        if let Some(state) = self.state {
            response.headers_mut().insert(STATE, state.header()?);
        }
        Ok(response)
    }
}

impl Grant {
    fn check(&self, offered: &[String]) -> service_core::Result<()> {
        if let Some(chosen) = self.subprotocol.as_ref().filter(|chosen| !offered.contains(*chosen)) {
            let rule = "must be one that the client offers";
            return Err(Error::invalid_input("subprotocol", rule, Some(chosen)));
        }
        if self.user_id.as_ref().is_some_and(String::is_empty) {
            return Err(Error::invalid_input("user id", "must not be empty", Some("")));
        }
        self.groups.iter().flatten().try_for_each(|group| names::group(group))
    }
}
