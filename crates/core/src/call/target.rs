//! The URL of a call. It is separate because HTTP limits its length, and the error for a longer one names the argument to blame.

use std::mem;
use std::sync::Mutex;

use http::Uri;
use http::uri::InvalidUri;

use crate::encode;
use crate::error::{Error, Result};
use crate::{Endpoint, Operation};

/// The maximum length of a URL in bytes (`http::Uri`, and hyper with it).
const MAX_URL_BYTES: usize = u16::MAX as usize - 1;

/// The number of bytes that values in the path and the query usually take. Most URLs then need only one allocation.
const USUAL_VALUES: usize = 160;

/// The endpoint, the path, and the query, escaped and in one text.
pub(super) struct Target {
    text: String,
    /// Where the path starts, after the endpoint.
    path: usize,
    /// Where the path ends and the query starts, with its `?` if there is one.
    query: usize,
}

impl Target {
    /// Replaces the names in a path template.
    pub(super) fn expand(endpoint: &Endpoint, template: &str, values: &[(&str, &str)]) -> Result<Self> {
        let mut target = Self::of(endpoint, template.len() + USUAL_VALUES);
        encode::expand(&mut target.text, template, values)?;
        target.query = target.text.len();
        Ok(target)
    }

    pub(super) fn with_path(endpoint: &Endpoint, path: &str) -> Self {
        let mut target = Self::of(endpoint, path.len() + USUAL_VALUES);
        target.text.push_str(path);
        target.query = target.text.len();
        target
    }

    pub(super) fn with_query(endpoint: &Endpoint, path: &str, query: &str) -> Self {
        let mut target = Self::with_path(endpoint, path);
        target.set_query(query);
        target
    }

    fn of(endpoint: &Endpoint, capacity: usize) -> Self {
        let (origin, prefix) = (endpoint.as_str(), endpoint.prefix());
        let path = origin.len() + prefix.len();
        let mut text = String::with_capacity(path + capacity);
        text.extend([origin, prefix]);
        Self { text, path, query: path }
    }

    pub(super) fn path(&self) -> &str {
        &self.text[self.path..self.query]
    }

    /// Returns the query without its `?`.
    pub(super) fn query(&self) -> &str {
        self.text.get(self.query + 1..).unwrap_or_default()
    }

    pub(super) fn push_query(&mut self, name: &str, value: &str) {
        self.text.push(if self.query == self.text.len() { '?' } else { '&' });
        encode::push_pair(&mut self.text, name, value);
    }

    /// Removes a parameter from the query. Values that contain the name are kept.
    pub(super) fn remove_query(&mut self, name: &str) {
        if let Some(kept) = encode::without(self.query(), name) {
            self.set_query(&kept);
        }
    }

    fn set_query(&mut self, query: &str) {
        self.text.truncate(self.query);
        if !query.is_empty() {
            self.text.extend(["?", query]);
        }
    }

    /// Converts the text, and leaves an empty one.
    ///
    /// # Errors
    ///
    /// Returns an error that names the longest argument if the URL is too long.
    pub(super) fn take(&mut self, operation: &Operation, last: &LastUri) -> Result<Uri> {
        let length = self.text.len();
        if length > MAX_URL_BYTES {
            return Err(too_long(length, operation, self.path(), self.query()));
        }
        (self.path, self.query) = (0, 0);
        last.parse(mem::take(&mut self.text))
            .map_err(|error| Error::invalid_input("request", "has an invalid URL", None).with_source(error))
    }
}

/// The URL of a client's last call. Receivers and busy senders use the same one repeatedly, so that it is parsed only once.
#[derive(Default)]
pub(crate) struct LastUri(Mutex<Option<Uri>>);

impl LastUri {
    fn parse(&self, text: String) -> Result<Uri, InvalidUri> {
        // Another call holds it only for a moment, but that is longer than parsing takes.
        let Ok(mut last) = self.0.try_lock() else { return Uri::try_from(text) };
        if let Some(uri) = last.as_ref().filter(|uri| is(uri, &text)) {
            return Ok(uri.clone());
        }
        let uri = Uri::try_from(text)?;
        *last = Some(uri.clone());
        Ok(uri)
    }
}

/// Returns whether a URL consists of exactly this text.
fn is(uri: &Uri, text: &str) -> bool {
    let (Some(scheme), Some(authority), Some(rest)) =
        (uri.scheme_str(), uri.authority(), uri.path_and_query())
    else {
        return false;
    };
    let below = text.strip_prefix(scheme).and_then(|text| text.strip_prefix("://"));
    below.and_then(|text| text.strip_prefix(authority.as_str())) == Some(rest.as_str())
}

fn too_long(length: usize, operation: &Operation, path: &str, query: &str) -> Error {
    let (name, bytes) = segments(operation.path, path)
        .into_iter()
        .chain(encode::query_lengths(query))
        .max_by_key(|(_, bytes)| *bytes)
        .unwrap_or_default();
    let rule = format!(
        "is too long: it takes {bytes} bytes of a URL of {length} bytes, and HTTP allows {MAX_URL_BYTES} (some characters take 3 \
         bytes or more)"
    );
    // The name of a parameter may be the caller's, and then as long as its value.
    let name: String = name.chars().take(64).collect();
    Error::invalid_input(&name, &rule, None)
}

/// The names of the segments that a template leaves open, and the lengths of their values. The template of a request outside the
/// known operations is not known.
fn segments<'a>(template: &'a str, path: &str) -> Vec<(&'a str, usize)> {
    if template.split('/').count() != path.split('/').count() {
        return path.split('/').map(|segment| ("path segment", segment.len())).collect();
    }
    let named = |(part, segment): (&'a str, &str)| {
        let (literal, rest) = part.split_once('{')?;
        let (name, tail) = rest.split_once('}')?;
        Some((name, segment.len().saturating_sub(literal.len() + tail.len())))
    };
    template.split('/').zip(path.split('/')).filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    static FIND: Operation = Operation::new("FindSeats", Method::GET, "/rooms/{room}/seats/{seat}:find");

    fn error(path: &str, query: &str) -> String {
        let endpoint = Endpoint::parse("https://rooms.example").unwrap();
        Target::with_query(&endpoint, path, query).take(&FIND, &LastUri::default()).unwrap_err().to_string()
    }

    #[test]
    fn the_longest_argument_is_named_with_its_length() {
        let long = "x".repeat(70_000);
        let text = error(&format!("/rooms/blue/seats/{long}:find"), "filter=a");
        assert!(text.starts_with("seat is too long: it takes 70000 bytes of a URL of 70053 bytes"), "{text}");
        let text = error(&format!("/rooms/{long}/seats/1:find"), &format!("filter={}", "y".repeat(70_001)));
        assert!(text.starts_with("filter is too long: it takes 70001 bytes"), "{text}");
        let many = "excluded=yyyy&".repeat(10_000);
        let text = error("/rooms/blue/seats/1:find", &format!("{many}filter={}", "y".repeat(30_000)));
        assert!(text.starts_with("excluded is too long: it takes 40000 bytes"), "{text}");
        let text = error(&format!("/other/{long}"), "");
        assert!(text.starts_with("path segment is too long: it takes 70000 bytes"), "{text}");
    }

    #[test]
    fn the_last_url_is_returned_only_for_itself() {
        let last = LastUri::default();
        for text in [
            "/a?b=1", "/a?b=1", "/a?b=2", "/a", "/a", "/a/", "/a?", "/a?", "/A?b=1", "", "", "?a", "?a",
            "/#b", "/#b",
        ] {
            let text = format!("https://rooms.example{text}");
            assert_eq!(last.parse(text.clone()).unwrap(), text.parse::<Uri>().unwrap(), "{text}");
        }
        assert!(last.parse("https://rooms.example/ ".to_owned()).is_err());
        assert_eq!(last.parse("https://rooms.example:1/#b".to_owned()).unwrap().port_u16(), Some(1));
    }

    #[test]
    fn parameters_are_added_to_the_query_and_removed_from_it() {
        let endpoint = Endpoint::parse_with_path("https://rooms.example/p").unwrap();
        let mut target = Target::expand(&endpoint, "/rooms/{room}", &[("room", "a b")]).unwrap();
        assert_eq!((target.path(), target.query()), ("/rooms/a%20b", ""));
        for (name, value) in [("a", "1"), ("b", "a=1&é"), ("a", "2")] {
            target.push_query(name, value);
        }
        assert_eq!(target.query(), "a=1&b=a%3D1%26%C3%A9&a=2");
        target.remove_query("a");
        assert_eq!(target.query(), "b=a%3D1%26%C3%A9");
        target.remove_query("b");
        assert_eq!((target.path(), target.query()), ("/rooms/a%20b", ""));
        assert_eq!(target.take(&FIND, &LastUri::default()).unwrap(), "https://rooms.example/p/rooms/a%20b");
    }

    #[test]
    fn a_url_of_the_maximum_length_is_valid_and_a_longer_one_is_not() {
        let endpoint = Endpoint::parse_with_path("https://rooms.example/p").unwrap();
        let rest = MAX_URL_BYTES - "https://rooms.example/p/?a=".len();
        let at = |length| {
            Target::with_query(&endpoint, "/", &format!("a={}", "x".repeat(length)))
                .take(&FIND, &LastUri::default())
        };
        assert_eq!(at(rest).unwrap().to_string().len(), MAX_URL_BYTES);
        assert!(at(rest + 1).unwrap_err().is_invalid_input());
    }
}
