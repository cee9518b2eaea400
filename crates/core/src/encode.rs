//! The one encoder of paths and queries.
//!
//! It escapes everything except RFC 3986's unreserved characters, so that its output contains nothing that could end or move
//! a segment, and a URL parser rewrites nothing in it: what is signed is what reaches the socket.

use percent_encoding::percent_encode_byte;

use crate::{Error, Result};

/// Appends the escaped `value` as one path segment, or as a part of one.
///
/// # Errors
///
/// Returns an error that names `name` if `value` is empty, `.`, or `..`. These would change the structure of the path, and
/// a dot segment cannot be escaped, since URL parsers treat `%2e` as a dot.
pub fn push_segment(path: &mut String, name: &str, value: &str) -> Result<()> {
    match value {
        "" => Err(Error::invalid_input(name, "must not be empty", None)),
        "." | ".." => Err(Error::invalid_input(
            name,
            "must not be a dot segment, which would leave its path",
            Some(value),
        )),
        _ => {
            push_escaped(path, value);
            Ok(())
        }
    }
}

/// Appends `name=value`. The value is escaped; the name is used verbatim.
pub fn push_pair(target: &mut String, name: &str, value: &str) {
    target.push_str(name);
    target.push('=');
    push_escaped(target, value);
}

fn push_escaped(target: &mut String, value: &str) {
    // The start of the bytes that are copied as a whole. All of them are ASCII characters.
    let mut start = 0;
    for (end, byte) in value.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            continue;
        }
        if start < end {
            target.push_str(&value[start..end]);
        }
        target.push_str(percent_encode_byte(byte));
        start = end + 1;
    }
    if start < value.len() {
        target.push_str(&value[start..]);
    }
}

/// Returns the name of each parameter of a query, and how many bytes its values take.
pub(crate) fn query_lengths(query: &str) -> Vec<(&str, usize)> {
    let mut lengths: Vec<(&str, usize)> = Vec::new();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match lengths.iter_mut().find(|(known, _)| *known == name) {
            Some((_, length)) => *length += value.len(),
            None => lengths.push((name, value.len())),
        }
    }
    lengths
}

/// Returns a query without a parameter, or `None` if the query does not have it. Values that contain the name are kept.
pub(crate) fn without(query: &str, name: &str) -> Option<String> {
    let matches = |pair: &str| pair.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    let has_name = query.len() > name.len() && query.split('&').any(matches);
    has_name.then(|| query.split('&').filter(|pair| !matches(pair)).collect::<Vec<_>>().join("&"))
}

/// Appends a path template whose `{names}` are replaced.
///
/// # Errors
///
/// Returns an error if a name has no value, or if [`push_segment`] returns one.
pub(crate) fn expand(path: &mut String, template: &str, values: &[(&str, &str)]) -> Result<()> {
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        path.push_str(literal);
        let (name, tail) = tail.split_once('}').unwrap_or((tail, ""));
        let value = values.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let value =
            value.ok_or_else(|| Error::invalid_input(name, "has no value in the path", Some(template)))?;
        push_segment(path, name, value)?;
        rest = tail;
    }
    path.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    fn url_of(value: &str) -> Result<String> {
        let mut target = "https://host.example/api/hubs/h/groups/".to_owned();
        push_segment(&mut target, "group", value)?;
        target.push_str("/:send");
        target.push('?');
        push_pair(&mut target, "reason", value);
        Ok(target)
    }

    #[test]
    fn characters_that_end_or_move_a_segment_are_escaped() {
        let url = url_of("a/b?c#d%e'f g+日😀").unwrap();
        assert!(url.contains("/a%2Fb%3Fc%23d%25e%27f%20g%2B%E6%97%A5%F0%9F%98%80/:send"), "{url}");
    }

    #[test]
    fn empty_and_dot_segments_are_invalid() {
        for value in ["", ".", ".."] {
            let error = url_of(value).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains("group"), "{error}");
        }
        assert!(url_of("...").is_ok());
        assert!(url_of("%2e%2e").unwrap().contains("%252e%252e"));
    }

    #[test]
    fn a_removed_parameter_takes_all_its_values_and_nothing_else() {
        for (query, left) in [
            ("a=1", Some("")),
            ("a=1&b=2&a=3", Some("b=2")),
            ("aa=1&b=a=2&c=a", None),
            ("b=1", None),
            ("", None),
        ] {
            assert_eq!(without(query, "a").as_deref(), left, "{query}");
        }
    }

    #[test]
    fn a_template_is_filled_by_name_and_keeps_its_verbs() {
        let mut path = String::new();
        expand(
            &mut path,
            "/topics/{topic}/eventsubscriptions/{subscription}:reject",
            &[("topic", "a b"), ("subscription", "s:x")],
        )
        .unwrap();
        assert_eq!(path, "/topics/a%20b/eventsubscriptions/s%3Ax:reject");
        assert!(expand(&mut path, "/{missing}", &[]).unwrap_err().to_string().contains("missing"));
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_segment_and_no_parser_rewrites_it(value in any::<String>().prop_filter("invalid", |v| !["", ".", ".."].contains(&v.as_str()))) {
            let text = url_of(&value).unwrap();
            let url = url::Url::parse(&text).unwrap();
            prop_assert_eq!(url.as_str(), &text);
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 6);
            prop_assert_eq!(percent_decode_str(segments[4]).decode_utf8().unwrap(), value.as_str());
            let pairs: Vec<_> = url.query_pairs().collect();
            prop_assert_eq!(pairs.len(), 1);
            prop_assert_eq!(&pairs[0].1, value.as_str());
            let uri: http::Uri = text.parse().unwrap();
            prop_assert_eq!(uri.path_and_query().unwrap().as_str(), &text["https://host.example".len()..]);
        }
    }
}
