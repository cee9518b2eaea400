//! Reads and writes the irregular values of the wire format: booleans and numbers sent as strings, strings sent as numbers,
//! and strings and lists sent as null. Every readable form is accepted; values are written as in the vendor's examples.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A single value in any of its forms.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Whole(i64),
    Large(u64),
    Fraction(f64),
    Text(String),
    Null(()),
}

/// The maximum value up to which a floating-point number represents every integer exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

impl Scalar {
    /// The text of the value. A whole number has no fraction: 2.0 is `2`.
    fn into_text(self) -> Option<String> {
        Some(match self {
            Self::Bool(value) => value.to_string(),
            Self::Whole(value) => value.to_string(),
            Self::Large(value) => value.to_string(),
            Self::Fraction(value) => {
                whole(value).map_or_else(|| value.to_string(), |value| value.to_string())
            }
            Self::Text(text) => text,
            Self::Null(()) => return None,
        })
    }
}

fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= MAX_EXACT).then_some(value as i64)
}

/// Parses `7` or `7.0`.
pub(crate) fn parse_number<T: std::str::FromStr + TryFrom<i64>>(text: &str) -> Option<T> {
    let text = text.trim();
    text.parse().ok().or_else(|| T::try_from(whole(text.parse().ok()?)?).ok())
}

/// Reads null as the default.
pub(crate) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads `true`, `"true"`, `1`, `"1"`, and the same for false. Null and an empty string are false.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = Scalar::deserialize(deserializer)?.into_text().unwrap_or_default();
    match text.trim() {
        "1" => Ok(true),
        "" | "0" => Ok(false),
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(D::Error::custom("neither true nor false")),
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

/// Reads `7`, `"7"` or `7.0`. Null and an empty string are 0.
pub(crate) fn number<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<i64> + std::str::FromStr,
    D: Deserializer<'de>,
{
    let value = match Scalar::deserialize(deserializer)? {
        Scalar::Bool(_) => None,
        scalar => match scalar.into_text().unwrap_or_default() {
            text if text.is_empty() => T::try_from(0).ok(),
            text => parse_number(&text),
        },
    };
    value.ok_or_else(|| D::Error::custom("not a number of this range"))
}

/// Reads a string, a number, or a boolean as a string. Null is an empty string.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_text(deserializer).map(Option::unwrap_or_default)
}

/// Like [`text`], but null is `None`.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Scalar::deserialize(deserializer).map(Scalar::into_text)
}

/// Writes a string that contains an integer as a number, any other one unchanged.
pub(crate) fn number_or_text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match text.parse::<i64>() {
        Ok(number) => number.serialize(serializer),
        Err(_) => text.serialize(serializer),
    }
}

/// Reads a list of texts, a single text, or null.
pub(crate) fn texts<'de, T: From<String>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Many(Vec<Scalar>),
        One(Scalar),
    }
    let texts: Vec<_> = match Wire::deserialize(deserializer)? {
        Wire::Many(values) => values.into_iter().filter_map(Scalar::into_text).collect(),
        Wire::One(value) => value.into_text().filter(|text| !text.is_empty()).into_iter().collect(),
    };
    Ok(texts.into_iter().map(T::from).collect())
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
