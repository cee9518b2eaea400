//! What the service tells about a client that wants to connect.

use serde::Deserialize;

use super::MqttConnect;
use super::values::{Values, or_default};

/// A handshake that waits for the handler's answer.
///
/// Deserialises from the body that the service sends; what is absent there is empty here.
/// <https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events#system-connect-event>
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// The claims of the client's token. Types may be short names or URIs.
    #[serde(deserialize_with = "or_default")]
    pub claims: Values,
    /// The query of the handshake; may hold the client's token as `access_token`.
    #[serde(deserialize_with = "or_default")]
    pub query: Values,
    /// The headers of the handshake; [`header`](Self::header) finds one in any case.
    #[serde(deserialize_with = "or_default")]
    pub headers: Values,
    /// The subprotocols that the client offers.
    #[serde(deserialize_with = "or_default")]
    pub subprotocols: Vec<String>,
    /// The certificates that the client showed.
    #[serde(deserialize_with = "or_default")]
    pub client_certificates: Vec<ClientCertificate>,
    /// The CONNECT packet of an MQTT client.
    pub mqtt: Option<MqttConnect>,
}

impl ConnectRequest {
    /// The first value of a header of the handshake, its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.find_map(|(_, values)| values.first()).map(String::as_str)
    }
}

/// A certificate of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// Its SHA-1 thumbprint.
    #[serde(deserialize_with = "or_default")]
    pub thumbprint: String,
    /// The certificate in PEM.
    #[serde(deserialize_with = "or_default")]
    pub content: String,
}
