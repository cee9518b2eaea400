//! The parts of events and responses that only MQTT clients have.
//!
//! <https://learn.microsoft.com/azure/azure-web-pubsub/reference-mqtt-cloud-events>

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
use service_core::Secret;

use super::head::owned;
use super::rejection::{JSON, Rejection, with_body};
use super::values::or_default;
use super::{HandlerError, Result};

/// Identifies the session of an MQTT connection.
///
/// The IDs are opaque, since their formats can change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MqttSession {
    /// The ID that identifies the network connection. A session can have several of them over time.
    pub physical_connection_id: String,
    /// The ID that identifies the session. It is `None` during `connect`.
    pub session_id: Option<String>,
}

impl MqttSession {
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Self>, Rejection> {
        let Some(physical_connection_id) = owned(headers, "ce-physicalconnectionid")? else {
            return Ok(None);
        };
        Ok(Some(Self { physical_connection_id, session_id: owned(headers, "ce-sessionid")? }))
    }
}

/// Represents a user property of an MQTT packet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MqttUserProperty {
    /// Contains the name of the property.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Contains the value of the property.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}

/// Represents the CONNECT packet of an MQTT client.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MqttConnect {
    /// The protocol version that the client speaks: 4 for MQTT 3.1.1, 5 for MQTT 5.0.
    #[serde(deserialize_with = "or_default")]
    pub protocol_version: u8,
    /// Whether the client requested a clean session (MQTT 3.1.1) or a clean start (MQTT 5.0).
    #[serde(deserialize_with = "or_default")]
    pub clean_start: bool,
    /// The user name that the client sent.
    pub username: Option<String>,
    /// The password that the client sent, in base64.
    #[serde(deserialize_with = "secret")]
    pub password: Option<Secret>,
    /// The user properties that the packet contains.
    #[serde(deserialize_with = "or_default")]
    pub user_properties: Vec<MqttUserProperty>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

/// Describes how the session of an MQTT client ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MqttDisconnect {
    /// Whether the client ended the session.
    #[serde(deserialize_with = "or_default")]
    pub initiated_by_client: bool,
    /// The DISCONNECT packet that the client sent. It is `None` if there was none.
    pub disconnect_packet: Option<MqttDisconnectPacket>,
}

/// Represents a DISCONNECT packet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MqttDisconnectPacket {
    /// The reason code that the packet contains. It is 0 for MQTT 3.1.1.
    #[serde(deserialize_with = "or_default")]
    pub code: u8,
    /// The user properties that the packet contains.
    #[serde(deserialize_with = "or_default")]
    pub user_properties: Vec<MqttUserProperty>,
}

#[derive(Serialize)]
struct Failure<'a> {
    mqtt: FailureCode<'a>,
}

#[derive(Serialize)]
struct FailureCode<'a> {
    code: u8,
    reason: &'a str,
}

/// Returns the response that rejects an MQTT connection. CONNACK needs a code in addition to the status.
pub(super) fn reject_connect(error: &HandlerError, protocol_version: u8) -> Result<Response<Bytes>> {
    let chosen = error.chosen_mqtt_code();
    let code = chosen.unwrap_or_else(|| code(error.status(), protocol_version));
    let failure = Failure { mqtt: FailureCode { code, reason: error.public_text() } };
    Ok(with_body(error.status(), JSON, serde_json::to_vec(&failure)?))
}

/// Returns the return code (MQTT 3.1.1) or reason code (MQTT 5.0) that corresponds to a status.
fn code(status: StatusCode, protocol_version: u8) -> u8 {
    let (v3, v5) = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (5, 0x87),
        StatusCode::TOO_MANY_REQUESTS => (3, 0x9f),
        status if status.is_client_error() => (4, 0x86),
        _ => (3, 0x80),
    };
    if protocol_version < 5 { v3 } else { v5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_code_in_both_versions() {
        for (status, v3, v5) in
            [(400, 4, 0x86), (401, 5, 0x87), (403, 5, 0x87), (429, 3, 0x9f), (500, 3, 0x80)]
        {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!((code(status, 4), code(status, 5)), (v3, v5), "{status}");
        }
    }
}
