//! Names with their values, as a handshake brings claims, query parameters and headers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};

/// Values by name; each name may have several.
///
/// `Debug` shows the names alone, since values may be secrets: the query's `access_token`, the headers' cookies.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, Option<OneOrMany>>")]
pub struct Values(BTreeMap<String, Vec<String>>);

impl Values {
    /// The values of exactly that name; empty if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The first value of exactly that name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.get(name).first().map(String::as_str)
    }

    /// All names, sorted, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The service sends lists; a lone value is taken as a list of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<BTreeMap<String, Option<OneOrMany>>> for Values {
    fn from(map: BTreeMap<String, Option<OneOrMany>>) -> Self {
        let values = |values| match values {
            None => Vec::new(),
            Some(OneOrMany::One(value)) => vec![value],
            Some(OneOrMany::Many(values)) => values,
        };
        Self(map.into_iter().map(|(name, found)| (name, values(found))).collect())
    }
}

/// Takes `null` for the default, as an absent member.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
