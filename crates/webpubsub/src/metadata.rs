//! Metadata of messages: a string map beside the content, with the limits of the service (previews, section 5).

use std::collections::BTreeMap;
use std::fmt;

#[cfg(feature = "event-handler")]
use http::HeaderMap;
use http::{HeaderName, HeaderValue};
use service_core::{Call, Error, Result};

/// The maximum length of a key in bytes.
const MAX_KEY_BYTES: usize = 256;
/// The maximum length of a value in bytes.
const MAX_VALUE_BYTES: usize = 1024;
/// The maximum length of all keys and values together.
const MAX_BYTES: usize = 8192;

/// The start of the names of the headers that carry metadata.
const PREFIX: &str = "x-webpubsub-metadata-";

/// Contains the metadata of a message: a map of strings that travels beside the content.
///
/// A key has 1 to 256 letters, digits, or characters of ``!#$%&'*+-.^_`|~``. It is written in lower case, since HTTP headers
/// transfer it in some directions. A value has up to 1,024 ASCII characters. All keys and values together have up to 8,192
/// bytes. Metadata is validated when it is sent. Received metadata is kept as received, even if it exceeds these limits.
///
/// Entries are ordered by key. `Debug` shows the keys, but not the values.
///
/// # Examples
///
/// ```
/// use webpubsub::Metadata;
///
/// let mut metadata = Metadata::from([("Trace", "4bf92f"), ("language", "en")]);
/// metadata.insert("priority", "high");
/// assert_eq!(metadata.get("TRACE"), Some("4bf92f"));
/// assert_eq!(metadata.iter().next(), Some(("language", "en")));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// Creates metadata without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry, whose key is written in lower case. Returns the value that it replaces, if there is one.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> Option<String> {
        let mut key = key.into();
        key.make_ascii_lowercase();
        self.0.insert(key, value.into())
    }

    /// Returns the value of a key. Upper and lower case are not distinguished, unless two received keys differ only in case.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let other_case = || self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        self.0.get_key_value(key).or_else(other_case).map(|(_, value)| value.as_str())
    }

    /// Returns the entries, ordered by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the metadata to a request as headers.
    pub(crate) fn put<T>(&self, call: &mut Call<T>) {
        match self.headers() {
            Ok(headers) => headers.into_iter().for_each(|(name, value)| call.default_header(name, value)),
            Err(error) => call.check(Err(error)),
        }
    }

    /// Returns the headers that carry the metadata.
    ///
    /// The service takes only what follows the last comma of a value, and removes blanks around it (previews, section 5.2).
    /// Values that would not arrive unchanged are therefore rejected.
    pub(crate) fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>> {
        self.check()?;
        self.iter().map(|(key, value)| Ok((name(key)?, header_value(key, value)?))).collect()
    }

    /// Reads the headers that carry metadata. Values that are not UTF-8 are skipped.
    #[cfg(feature = "event-handler")]
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let entries = headers.iter().filter_map(|(name, value)| {
            let key = name.as_str().strip_prefix(PREFIX).filter(|key| !key.is_empty())?;
            Some((key.to_owned(), std::str::from_utf8(value.as_bytes()).ok()?.to_owned()))
        });
        Self(entries.collect())
    }

    /// Validates the limits of the service.
    pub(crate) fn check(&self) -> Result<()> {
        self.iter().try_for_each(|(key, value)| check_entry(key, value))?;
        let bytes: usize = self.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > MAX_BYTES {
            let rule = format!("must have at most {MAX_BYTES} bytes in its keys and values, has {bytes}");
            return Err(Error::invalid_input("metadata", &rule, None));
        }
        Ok(())
    }
}

fn check_entry(key: &str, value: &str) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.bytes().all(is_allowed) {
        let rule = format!("must be 1 to {MAX_KEY_BYTES} letters, digits or any of !#$%&'*+-.^_`|~");
        return Err(Error::invalid_input("metadata key", &rule, Some(key)));
    }
    if !value.is_ascii() {
        return Err(invalid_value(key, "must be ASCII"));
    }
    if value.len() > MAX_VALUE_BYTES {
        let rule = format!("must be at most {MAX_VALUE_BYTES} bytes, has {}", value.len());
        return Err(invalid_value(key, &rule));
    }
    Ok(())
}

fn name(key: &str) -> Result<HeaderName> {
    HeaderName::try_from(format!("{PREFIX}{key}"))
        .map_err(|_| Error::invalid_input("metadata key", "must be valid in a header", Some(key)))
}

fn header_value(key: &str, value: &str) -> Result<HeaderValue> {
    if value.contains(',') {
        return Err(invalid_value(key, "must not contain a comma, since a header transfers it"));
    }
    if value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']) {
        return Err(invalid_value(key, "must not start or end with a blank, since a header transfers it"));
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        invalid_value(key, "must not contain control characters, since a header transfers it")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The value itself is omitted, since it may be confidential.
fn invalid_value(key: &str, rule: &str) -> Error {
    Error::invalid_input(&format!("metadata value of `{key}`"), rule, None)
}

impl<K: Into<String>, V: Into<String>> Extend<(K, V)> for Metadata {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut metadata = Self::new();
        metadata.extend(entries);
        metadata
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for Metadata {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

/// Formats the keys, but not the values, which may be confidential.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_in_lower_case_and_found_in_any_case() {
        let mut metadata = Metadata::from([("Trace", "1"), ("a", "")]);
        assert_eq!(metadata.iter().collect::<Vec<_>>(), [("a", ""), ("trace", "1")]);
        assert_eq!(metadata.insert("TRACE", "2"), Some("1".to_owned()));
        assert_eq!((metadata.get("tRACE"), metadata.get("b"), metadata.len()), (Some("2"), None, 2));
        assert!(Metadata::new().is_empty() && !metadata.is_empty());
    }

    #[test]
    fn received_keys_that_differ_only_in_case_are_distinguished() {
        let received = [("A", "1"), ("a", "2"), ("B", "3")];
        let metadata = Metadata(received.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert_eq!(
            (metadata.get("A"), metadata.get("a"), metadata.get("b")),
            (Some("1"), Some("2"), Some("3"))
        );
    }

    #[test]
    fn the_limits_hold_at_their_edges() {
        let of = |key: &str, value: &str| Metadata::from([(key, value)]).check();
        for key in ["k", &"k".repeat(256), "!#$%&'*+-.^_`|~09AZaz"] {
            assert!(of(key, "").is_ok(), "{key}");
        }
        for key in ["", &"k".repeat(257), "a b", "a:b", "a(b", "a@b", "\"", "é", "a\n", "a,b", "a/b"] {
            assert!(
                of(key, "").unwrap_err().to_string().starts_with("metadata key must be 1 to 256"),
                "{key}"
            );
        }
        assert!(of("k", &"v".repeat(1024)).is_ok() && of("k", ", \n").is_ok());
        let long = of("k", &"v".repeat(1025)).unwrap_err();
        assert_eq!(long.to_string(), "metadata value of `k` must be at most 1024 bytes, has 1025");
        assert_eq!(of("k", "é").unwrap_err().to_string(), "metadata value of `k` must be ASCII");
        let full = |last: usize| {
            let keys = ["a", "b", "c", "d", "e", "f", "g"].map(|key| (key, "v".repeat(1023)));
            let mut metadata = Metadata::from(keys);
            metadata.insert("h", "v".repeat(last));
            metadata.check()
        };
        assert!(full(1023).is_ok());
        let error = full(1024).unwrap_err();
        assert_eq!(
            error.to_string(),
            "metadata must have at most 8192 bytes in its keys and values, has 8193"
        );
    }

    #[test]
    fn values_that_a_header_would_change_are_rejected_without_repeating_them() {
        for (value, rule) in [
            ("planted,x", "must not contain a comma"),
            (" planted", "must not start or end with a blank"),
            ("planted\t", "must not start or end with a blank"),
            ("planted\r\nx: y", "must not contain control characters"),
            ("planted\u{7f}", "must not contain control characters"),
        ] {
            let error = Metadata::from([("key", value)]).headers().unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.starts_with(&format!("metadata value of `key` {rule}")), "{text}");
            assert!(error.is_invalid_input() && !text.contains("planted"), "{text}");
        }
        for value in ["", "a b\tc", "!\"~;=%20"] {
            let headers = Metadata::from([("Key", value)]).headers().unwrap();
            assert_eq!(headers[0].0, "x-webpubsub-metadata-key");
            assert!(headers[0].1 == value && headers[0].1.is_sensitive());
        }
    }

    #[test]
    fn the_values_are_not_in_the_debug_output() {
        let metadata = Metadata::from([("token", "planted")]);
        assert_eq!(format!("{metadata:?}"), r#"{"token"}"#);
    }
}
