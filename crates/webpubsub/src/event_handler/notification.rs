//! The events whose responses the service does not wait for.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::mqtt::MqttDisconnect;
use super::rejection::Rejection;
use super::values::or_default;
use super::{Context, EventHandler, Result};

/// Describes why a connection ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Disconnected {
    /// The reason that the service gave. It can be empty.
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// Describes how the session of an MQTT client ended. It is `None` for other clients.
    pub mqtt: Option<MqttDisconnect>,
}

pub(super) enum Notification {
    Connected,
    Disconnected(Disconnected),
    GroupJoined(String),
    GroupLeft(String),
}

#[derive(Deserialize)]
struct Membership {
    group: String,
}

impl Notification {
    pub(super) fn disconnected(body: &[u8]) -> Result<Self, Rejection> {
        // The reason can be empty, and so can the body that contains it.
        let event = if body.is_empty() { Disconnected::default() } else { parse(body)? };
        Ok(Self::Disconnected(event))
    }

    pub(super) fn group_joined(body: &[u8]) -> Result<Self, Rejection> {
        parse(body).map(|Membership { group }| Self::GroupJoined(group))
    }

    pub(super) fn group_left(body: &[u8]) -> Result<Self, Rejection> {
        parse(body).map(|Membership { group }| Self::GroupLeft(group))
    }

    pub(super) async fn deliver(self, handler: &dyn EventHandler, context: &Context) -> Result {
        match self {
            Self::Connected => handler.connected(context).await,
            Self::Disconnected(event) => handler.disconnected(context, event).await,
            Self::GroupJoined(group) => handler.group_joined(context, &group).await,
            Self::GroupLeft(group) => handler.group_left(context, &group).await,
        }
    }
}

/// Parses the JSON of a system event. An error contains only the position, since the text of serde repeats the input.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = if error.is_data() { "is not a valid event of this type" } else { "is not JSON" };
        Rejection::bad_request(format!("the body {what}, at line {line} column {column}"))
    })
}
