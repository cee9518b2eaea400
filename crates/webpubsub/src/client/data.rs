//! The content of a message, which is the same in every subprotocol and in both directions.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use service_core::{Error, ErrorKind, Result};

/// What a message holds. A `&str` or `String` is taken as text wherever data is asked for, `Vec<u8>` and `Bytes` as binary.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// A text.
    Text(String),
    /// JSON, of any shape but `null`.
    Json(Json),
    /// Bytes, which arrive as they are.
    Binary(Bytes),
    /// A serialised `google.protobuf.Any`.
    Protobuf(Bytes),
}

impl Data {
    /// A value as JSON. A text becomes a JSON string, quotes included.
    ///
    /// # Errors
    ///
    /// A value that cannot be written as JSON, or is `null`, which the service does not take.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        // What serde_json has to say is left out: it may quote the value.
        let refuse = |rule| Error::invalid_input("data", rule, None);
        let text = serde_json::value::to_raw_value(value).map_err(|_| refuse("cannot be written as JSON"))?;
        match text.get() {
            "null" => Err(refuse("must not be JSON `null`")),
            _ => Ok(Self::Json(Json(text))),
        }
    }

    /// The text, if it is one.
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

/// Without the content, which is its owner's business alone.
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

/// JSON as the text that travels; it is read when asked for.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The text as it came, or as it goes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] for JSON of another shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.as_str()).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text =
                format!("the message is not the JSON expected, at line {line} column {column} of its data");
            Error::new(ErrorKind::Decode, text)
        })
    }

    pub(super) fn raw(&self) -> &RawValue {
        &self.0
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
    fn json_is_kept_as_it_is_and_null_is_refused() {
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
