//! A map from names to values, which holds the claims, query parameters, and headers of a handshake.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// Maps names to values, such as those of claims, query parameters, or headers. Each name can have several values. Values that
/// are not strings are skipped.
///
/// `Debug` shows only the names, since values can be secrets, such as cookies or the `access_token` of a query.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, OneOrMany>")]
pub struct Values(BTreeMap<String, Vec<String>>);

impl Values {
    /// Returns the values of a name, which is case-sensitive. The slice is empty if the name does not exist.
    #[must_use]
    pub fn get(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the first value of a name, which is case-sensitive.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.get(name).first().map(String::as_str)
    }

    /// Returns an iterator over all names, in sorted order, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The service sends lists. A single value is treated as a list of one item.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Item>),
    One(Item),
}

/// A token can contain claims of any type. An error would reject its user.
#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Text(String),
    Other(IgnoredAny),
}

impl Item {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }
}

impl From<BTreeMap<String, OneOrMany>> for Values {
    fn from(map: BTreeMap<String, OneOrMany>) -> Self {
        let values = |found| match found {
            OneOrMany::One(item) => item.text().into_iter().collect(),
            OneOrMany::Many(items) => items.into_iter().filter_map(Item::text).collect(),
        };
        Self(map.into_iter().map(|(name, found)| (name, values(found))).collect())
    }
}

/// Treats `null` like an absent member: as the default value.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
