//! Values and small records that several resources share.

use serde::{Deserialize, Serialize};

use crate::lenient::{open_values, optional_text, parse_number, text};

open_values! {
    /// Says in which direction files are transferred, as seen from the local side.
    Direction, Serialize::serialize, {
        /// Files are sent from the HULFT host to the service.
        Send = "send",
        /// The HULFT host receives files from the service.
        Receive = "receive",
    }
}

open_values! {
    /// Says which kind of client may use a connection ID.
    ClientType, Serialize::serialize, {
        /// An agent connects a HULFT host.
        Hulft = "hulft",
        /// A program uses the Data Transfer API, or the vendor's CLI, which is built on it.
        DataTransferApi = "data_transfer_api",
        /// A browser uses Browser Transfer.
        Browser = "hwc_browser",
        /// A partner uses D-Client.
        DClient = "dclient",
    }
}

/// Identifies the account that another record is linked to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AccountLink {
    /// The ID that identifies the account.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The e-mail address that the account was registered with.
    #[serde(deserialize_with = "text")]
    pub mail_address: String,
}

/// Identifies the browser-transfer definition that another record is linked to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DefinitionLink {
    /// The ID that identifies the definition.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The description that was set for the definition.
    #[serde(deserialize_with = "optional_text")]
    pub description: Option<String>,
}

/// Represents a number that the service sends as text, such as a size in bytes. Text that is not an integer is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Number(String);

impl Number {
    /// Returns the number, or `None` if the text is empty or not an integer.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        parse_number(&self.0)
    }

    /// Returns the text as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_read_from_text_and_number_and_kept_when_it_is_neither() {
        for (wire, value, text) in [
            (json!("60"), Some(60), "60"),
            (json!(60), Some(60), "60"),
            (json!(""), None, ""),
            (json!(null), None, ""),
            (json!("60.5"), None, "60.5"),
            (json!("-"), None, "-"),
        ] {
            let number: Number = serde_json::from_value(wire).unwrap();
            assert_eq!((number.as_u64(), number.as_str()), (value, text));
        }
        assert_eq!(serde_json::to_value(Number::from(7)).unwrap(), json!("7"));
    }

    #[test]
    fn unknown_values_are_kept_and_written_back() {
        let direction: Direction = serde_json::from_value(json!("both")).unwrap();
        assert_eq!(direction, Direction::Other("both".into()));
        assert_eq!(serde_json::to_value(&direction).unwrap(), json!("both"));
        assert_eq!(Direction::from("send"), Direction::Send);
        assert_eq!(format!("{:<9}|", Direction::Receive), "receive  |");
    }
}
