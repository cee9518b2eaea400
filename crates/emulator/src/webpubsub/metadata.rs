//! The metadata of a message: a string map beside its payload, in frames and in HTTP headers (previews, section 5).

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::frame::Invalid;

/// In headers, the name of each entry starts with this.
const PREFIX: &str = "x-webpubsub-metadata-";
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 1_024;
const MAX_BYTES: usize = 8_192;

/// The entries in the order in which they were sent. Each key is present once. Most messages have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metadata(Vec<(String, String)>);

/// A header whose name consists of the prefix alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BarePrefix {
    /// It is ignored, as in the response of an event handler.
    Ignored,
    /// It is an empty key, which is invalid, as in a REST request.
    Invalid,
}

impl Metadata {
    /// Checks the entries of a frame. If a key is repeated, the last one applies.
    pub(super) fn new(entries: impl IntoIterator<Item = (String, String)>) -> Result<Self, Invalid> {
        let mut metadata = Self::default();
        for (key, value) in entries {
            metadata.0.retain(|(other, _)| *other != key);
            metadata.0.push((key, value));
        }
        metadata.check()
    }

    /// Reads the headers of a request or response. Keys become lower case. Of several headers with the same name, the last
    /// one applies, and of its value the part after the last comma, without surrounding blanks.
    pub(super) fn from_headers(headers: &HeaderMap, bare: BarePrefix) -> Result<Self, Invalid> {
        let mut entries = Vec::new();
        for name in headers.keys() {
            let Some(key) = name.as_str().strip_prefix(PREFIX) else { continue };
            if key.is_empty() && bare == BarePrefix::Ignored {
                continue;
            }
            let Some(value) = headers.get_all(name).iter().next_back() else { continue };
            let value = value.to_str().map_err(|_| INVALID_VALUE)?;
            let value = value.rsplit(',').next().unwrap_or_default().trim();
            entries.push((key.to_owned(), value.to_owned()));
        }
        Self::new(entries)
    }

    /// Adds a header for each entry, with the key in lower case. Of keys that differ in case only, the last one applies.
    /// Fails for a value that no header can have, such as one with a line break.
    pub(super) fn write(&self, headers: &mut HeaderMap) -> Result<(), Invalid> {
        for (key, value) in &self.0 {
            let name = HeaderName::try_from(format!("{PREFIX}{}", key.to_ascii_lowercase()));
            let name = name.map_err(|_| INVALID_KEY)?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| INVALID_VALUE)?);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn entries(&self) -> &[(String, String)] {
        &self.0
    }

    fn check(self) -> Result<Self, Invalid> {
        if !self.0.iter().all(|(key, _)| is_key(key)) {
            return Err(INVALID_KEY);
        }
        if !self.0.iter().all(|(_, value)| value.is_ascii() && value.len() <= MAX_VALUE) {
            return Err(INVALID_VALUE);
        }
        if self.0.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > MAX_BYTES {
            return Err(Invalid("the metadata is larger than 8,192 bytes"));
        }
        Ok(self)
    }
}

const INVALID_KEY: Invalid = Invalid("a metadata key is not an HTTP token of 1 to 256 bytes");
const INVALID_VALUE: Invalid = Invalid("a metadata value is not ASCII of at most 1,024 bytes");

/// An HTTP token (RFC 9110, section 5.6.2).
fn is_key(key: &str) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !key.is_empty() && key.len() <= MAX_KEY && key.chars().all(is_token)
}

/// Reads an object of strings. The values are not checked.
pub(super) struct JsonObject(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JsonObjectVisitor)
    }
}

struct JsonObjectVisitor;

impl<'de> Visitor<'de> for JsonObjectVisitor {
    type Value = JsonObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject, A::Error> {
        let mut entries: Vec<(String, String)> = Vec::new();
        while let Some((key, value)) = map.next_entry()? {
            if entries.iter().any(|(other, _)| *other == key) {
                return Err(A::Error::custom("a key is repeated"));
            }
            entries.push((key, value));
        }
        Ok(JsonObject(entries))
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(entries: &[(&str, &str)]) -> Result<Metadata, Invalid> {
        Metadata::new(entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn keys_values_and_the_sum_of_both_have_limits() {
        let (long_key, long_value) = ("k".repeat(256), "v".repeat(1_024));
        assert!(metadata(&[("!#$%&'*+-.^_`|~09azAZ", ""), (&long_key, &long_value)]).is_ok());
        for key in ["", "a b", "a:b", "a/b", "é", &"k".repeat(257)] {
            assert!(metadata(&[(key, "v")]).is_err(), "{key}");
        }
        for value in ["é", &"v".repeat(1_025)] {
            assert!(metadata(&[("k", value)]).is_err(), "{value}");
        }
        let full: Vec<_> = (0..8).map(|number| (number.to_string(), "v".repeat(1_023))).collect();
        assert!(Metadata::new(full.clone()).is_ok());
        assert!(Metadata::new(full.into_iter().chain([("k".to_owned(), String::new())])).is_err());
    }

    #[test]
    fn of_a_header_the_last_one_and_its_part_after_the_last_comma_applies() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("A", "1"), ("a", "2, 3 , four "), ("b", ""), ("", "bare")] {
            let name = HeaderName::try_from(format!("{PREFIX}{name}")).unwrap();
            headers.append(name, HeaderValue::from_static(value));
        }
        let read = Metadata::from_headers(&headers, BarePrefix::Ignored).unwrap();
        assert_eq!(read, metadata(&[("a", "four"), ("b", "")]).unwrap());
        assert!(Metadata::from_headers(&headers, BarePrefix::Invalid).is_err());
    }

    #[test]
    fn of_keys_that_differ_in_case_only_the_last_one_becomes_the_header() {
        let mut headers = HeaderMap::new();
        metadata(&[("Trace", "1"), ("trace", "2, 3")]).unwrap().write(&mut headers).unwrap();
        assert_eq!(headers.get_all(format!("{PREFIX}trace")).iter().collect::<Vec<_>>(), ["2, 3"]);
        assert!(metadata(&[("k", "a\nb")]).unwrap().write(&mut headers).is_err());
    }
}
