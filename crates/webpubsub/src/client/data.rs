//! The content of a message, the same in every subprotocol and in both directions.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use service_core::{Error, ErrorKind, Result};

/// Represents the content of a message.
///
/// `&str` and `String` convert into text, `Vec<u8>` and [`Bytes`] into binary data. `Debug` shows the kind and the length, never
/// the content.
///
/// # Examples
///
/// ```
/// use webpubsub::client::Data;
///
/// let text = Data::from("hello");
/// assert_eq!(text.as_text(), Some("hello"));
///
/// let binary = Data::from(vec![1, 2, 3]);
/// assert_eq!(format!("{binary:?}"), "Binary(3 bytes)");
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// The content is text.
    Text(String),
    /// The content is JSON. `null` can be received but not sent.
    Json(Json),
    /// The content is raw bytes.
    Binary(Bytes),
    /// The content is a serialized `google.protobuf.Any`.
    Protobuf(Bytes),
}

impl Data {
    /// Serializes a value as JSON. A string becomes a JSON string, including its quotes.
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be serialized, or serializes to `null`, which the service does not accept.
    ///
    /// # Examples
    ///
    /// ```
    /// use webpubsub::client::Data;
    ///
    /// let Data::Json(json) = Data::json(&("move", 3, 4))? else { unreachable!() };
    /// assert_eq!(json.as_str(), r#"["move",3,4]"#);
    /// assert!(Data::json(&None::<u8>).is_err());
    /// # Ok::<(), webpubsub::Error>(())
    /// ```
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        Self::json_or_none(value)?
            .ok_or_else(|| Error::invalid_input("data", "must not be JSON `null`", None))
    }

    /// Serializes a value as JSON. Returns `None` for `null`.
    pub(super) fn json_or_none(value: &(impl Serialize + ?Sized)) -> Result<Option<Self>> {
        // The error of serde_json is left out, since it may quote the value.
        let text = serde_json::value::to_raw_value(value)
            .map_err(|_| Error::invalid_input("data", "must be serializable as JSON", None))?;
        Ok((text.get() != "null").then_some(Self::Json(Json(text))))
    }

    /// Returns the length of the content in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Json(json) => json.as_str().len(),
            Self::Binary(bytes) | Self::Protobuf(bytes) => bytes.len(),
        }
    }

    #[cfg(feature = "preview")]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the text, or `None` if the content is not text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// Shows the kind and the length, but not the content, which may be confidential.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, bytes) = match self {
            Self::Text(text) => ("Text", text.len()),
            Self::Json(json) => ("Json", json.as_str().len()),
            Self::Binary(bytes) => ("Binary", bytes.len()),
            Self::Protobuf(bytes) => ("Protobuf", bytes.len()),
        };
        write!(f, "{kind}({bytes} bytes)")
    }
}

/// Contains a JSON document as raw text, which is parsed only on request.
///
/// # Examples
///
/// ```
/// use webpubsub::client::Data;
///
/// if let Data::Json(json) = Data::json(&vec![1, 2])? {
///     assert_eq!(json.as_str(), "[1,2]");
///     assert_eq!(json.parse::<Vec<u8>>()?, [1, 2]);
///     assert!(json.parse::<String>().is_err());
/// }
/// # Ok::<(), webpubsub::Error>(())
/// ```
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Returns the raw JSON text, as received or as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Parses the JSON into a value.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Decode`] if the JSON does not match `T`. The error contains the position, but not the content.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        Self::parse_text(self.as_str())
    }

    pub(super) fn parse_text<T: DeserializeOwned>(text: &str) -> Result<T> {
        serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text = format!("could not parse the JSON data of the message at line {line} column {column}");
            Error::new(ErrorKind::Decode, text)
        })
    }

    pub(super) fn from_raw(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    #[cfg(feature = "protobuf")]
    pub(super) fn from_text(text: String) -> Option<Self> {
        RawValue::from_string(text).ok().map(Self)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.as_str().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_kept_verbatim_and_null_is_rejected() {
        let Data::Json(json) = Data::json(&vec![1u64 << 60]).unwrap() else { panic!("not JSON") };
        assert_eq!(
            (json.as_str(), json.parse::<Vec<u64>>().unwrap()),
            ("[1152921504606846976]", vec![1 << 60])
        );
        let error = json.parse::<String>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(Data::json(&None::<u8>).unwrap_err().to_string().contains("must not be JSON `null`"));
    }

    #[test]
    fn content_is_never_shown() {
        let shown = format!("{:?} {:?}", Data::from("planted"), Data::json("planted").unwrap());
        assert_eq!(shown, "Text(7 bytes) Json(9 bytes)");
    }
}
