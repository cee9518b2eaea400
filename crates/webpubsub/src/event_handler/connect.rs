//! The request of a client to connect.

use serde::Deserialize;

use super::MqttConnect;
use super::values::{Values, or_default};

/// Describes a client that requests a connection.
///
/// It deserializes from the body that the service sends. Absent values are empty.
///
/// [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events#system-connect-event)
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// The claims that the client's token contains. Types can be short names or URIs.
    #[serde(deserialize_with = "or_default")]
    pub claims: Values,
    /// The query parameters that the handshake request contains. The service can include the client's token as `access_token`; the emulator removes it.
    #[serde(deserialize_with = "or_default")]
    pub query: Values,
    /// The headers that the handshake request contains. [`header`](Self::header) looks one up in any case.
    #[serde(deserialize_with = "or_default")]
    pub headers: Values,
    /// The subprotocols that the client offers.
    #[serde(deserialize_with = "or_default")]
    pub subprotocols: Vec<String>,
    /// The certificates that the client presented.
    #[serde(deserialize_with = "or_default")]
    pub client_certificates: Vec<ClientCertificate>,
    /// The CONNECT packet that an MQTT client sent. It is `None` for other clients.
    pub mqtt: Option<MqttConnect>,
}

impl ConnectRequest {
    /// Returns the first value of a header of the handshake request. The name is case-insensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.find_map(|(_, values)| values.first()).map(String::as_str)
    }
}

/// Represents a certificate that a client presented.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// The SHA-1 thumbprint that identifies the certificate.
    #[serde(deserialize_with = "or_default")]
    pub thumbprint: String,
    /// Contains the certificate in PEM format.
    #[serde(deserialize_with = "or_default")]
    pub content: String,
}
