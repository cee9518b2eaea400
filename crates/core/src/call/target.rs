//! The URL of a call. It is separate because HTTP limits its length, and the error for a longer one names the argument to blame.

use http::Uri;

use crate::encode;
use crate::error::{Error, Result};
use crate::{Endpoint, Operation};

/// The maximum length of a URL in bytes (`http::Uri`, and hyper with it).
const MAX_URL_BYTES: usize = u16::MAX as usize - 1;

/// Joins the parts of a URL, which are escaped.
///
/// # Errors
///
/// Returns an error that names the longest argument if the URL would be too long.
pub(super) fn url(endpoint: &Endpoint, operation: &Operation, path: &str, query: &str) -> Result<Uri> {
    let (origin, prefix) = (endpoint.as_str(), endpoint.prefix());
    let length = origin.len() + prefix.len() + path.len() + 1 + query.len();
    let mut target = String::with_capacity(length);
    target.extend([origin, prefix, path]);
    if !query.is_empty() {
        target.extend(["?", query]);
    }
    if target.len() > MAX_URL_BYTES {
        return Err(too_long(target.len(), operation, path, query));
    }
    Uri::try_from(target)
        .map_err(|error| Error::invalid_input("request", "has an invalid URL", None).with_source(error))
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
        url(&endpoint, &FIND, path, query).unwrap_err().to_string()
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
    fn a_url_of_the_maximum_length_is_valid_and_a_longer_one_is_not() {
        let endpoint = Endpoint::parse_with_path("https://rooms.example/p").unwrap();
        let rest = MAX_URL_BYTES - "https://rooms.example/p/?a=".len();
        let at = |length| url(&endpoint, &FIND, "/", &format!("a={}", "x".repeat(length)));
        assert_eq!(at(rest).unwrap().to_string().len(), MAX_URL_BYTES);
        assert!(at(rest + 1).unwrap_err().is_invalid_input());
    }
}
