//! Reads and writes the irregular values of the wire format: booleans and numbers sent as strings, and strings and
//! lists sent as null. Every form is accepted; values are written as in the vendor's examples.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A single value in any of its forms.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Whole(i64),
    Text(String),
    Null(()),
}

/// Reads null as the default.
pub(crate) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads `true`, `"true"`, and the same for false. Null and an empty string are false.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Bool(value) => Ok(value),
        Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Scalar::Text(text) if text.is_empty() || text.eq_ignore_ascii_case("false") => Ok(false),
        Scalar::Null(()) => Ok(false),
        Scalar::Whole(_) | Scalar::Text(_) => Err(D::Error::custom("neither true nor false")),
    }
}

/// Writes `"true"` or `"false"`.
pub(crate) fn boolean_as_text<S: Serializer>(value: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *value { "true" } else { "false" })
}

/// Like [`boolean_as_text`], for fields that are omitted if `None`.
pub(crate) fn optional_boolean_as_text<S: Serializer>(
    value: &Option<bool>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => boolean_as_text(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// Reads `7` or `"7"`. Null and an empty string are 0.
pub(crate) fn number<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<i64>,
    D: Deserializer<'de>,
{
    let value = match Scalar::deserialize(deserializer)? {
        Scalar::Whole(value) => Some(value),
        Scalar::Null(()) => Some(0),
        Scalar::Text(text) if text.is_empty() => Some(0),
        Scalar::Text(text) => text.trim().parse().ok(),
        Scalar::Bool(_) => None,
    };
    let value = value.and_then(|value| T::try_from(value).ok());
    value.ok_or_else(|| D::Error::custom("not a number of this range"))
}

/// Reads a string or an integer as a string.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => Ok(text),
        Scalar::Whole(value) => Ok(value.to_string()),
        Scalar::Null(()) => Ok(String::new()),
        Scalar::Bool(value) => Ok(value.to_string()),
    }
}

/// Writes a string that contains an integer as a number, any other one unchanged.
pub(crate) fn number_or_text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match text.parse::<i64>() {
        Ok(number) => number.serialize(serializer),
        Err(_) => text.serialize(serializer),
    }
}

/// Reads a list of strings, a single string, or null.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Many(Vec<String>),
        One(String),
        Null(()),
    }
    Ok(match Wire::deserialize(deserializer)? {
        Wire::Many(texts) => texts,
        Wire::One(text) if text.is_empty() => Vec::new(),
        Wire::One(text) => vec![text],
        Wire::Null(()) => Vec::new(),
    })
}

/// Defines an enum of the wire: the known values, and any other value as received. `$write` serializes it.
macro_rules! open_values {
    ($(#[$doc:meta])* $name:ident, $write:path, { $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        ///
        /// Unknown values are kept as [`Other`](Self::Other).
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// The service sent a value that this crate does not know.
            Other(String),
        }

        impl $name {
            /// Returns the value as it is sent on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Other(value) => value,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    _ => Self::Other(value.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::lenient::text(deserializer).map(Self::from)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $write(self.as_str(), serializer)
            }
        }
    };
}

pub(crate) use open_values;
