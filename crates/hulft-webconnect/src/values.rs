//! Values and small records that several resources share.

use serde::{Deserialize, Serialize};

use crate::lenient::{open_values, or_default};

open_values! {
    /// Which way files go, seen from the side that is asked about.
    Direction, Serialize::serialize, {
        /// From the HULFT host to the service.
        Send = "send",
        /// From the service to the HULFT host.
        Receive = "receive",
    }
}

open_values! {
    /// What may use a connection ID.
    ClientType, Serialize::serialize, {
        /// An agent beside a HULFT host.
        Hulft = "hulft",
        /// The Data Transfer API and the vendor's CLI, which is built on it.
        DataTransferApi = "data_transfer_api",
        /// Browser Transfer.
        Browser = "hwc_browser",
        /// D-Client.
        DClient = "dclient",
    }
}

/// An account that another record is linked to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AccountLink {
    /// The account's ID.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// The account's e-mail address.
    #[serde(deserialize_with = "or_default")]
    pub mail_address: String,
}

/// A browser-transfer definition that another record is linked to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DefinitionLink {
    /// The definition's ID.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// The definition's description.
    pub description: Option<String>,
}

/// A number that the service writes as a text, such as a size in bytes. A text that is no whole number is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Amount(String);

impl Amount {
    /// The number; `None` when the service gave none, or one that is not whole.
    #[must_use]
    pub fn value(&self) -> Option<u64> {
        self.0.trim().parse().ok()
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::lenient::text(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_amount_is_read_from_text_and_number_and_kept_when_it_is_neither() {
        for (wire, value, text) in [
            (json!("60"), Some(60), "60"),
            (json!(60), Some(60), "60"),
            (json!(""), None, ""),
            (json!(null), None, ""),
            (json!("60.5"), None, "60.5"),
            (json!("-"), None, "-"),
        ] {
            let amount: Amount = serde_json::from_value(wire).unwrap();
            assert_eq!((amount.value(), amount.as_str()), (value, text));
        }
        assert_eq!(serde_json::to_value(Amount::from(7)).unwrap(), json!("7"));
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
