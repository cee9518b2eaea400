//! The table of operations, and how a path selects one.

use super::call::{Call, Outcome};

/// An operation: its method, its path after `/_emulator/` with `{names}` of values, and its function.
pub(crate) struct Route(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) fn(&Call<'_>) -> Outcome,
);

/// A value of the path, with its name.
pub(super) type Value<'a> = (&'static str, &'a str);

/// The values in a path, if it has the form of the route.
pub(super) fn values<'a>(path: &'static str, segments: &'a [String]) -> Option<Vec<Value<'a>>> {
    let parts = path.split('/');
    if parts.clone().count() != segments.len() {
        return None;
    }
    let mut values = Vec::new();
    for (part, segment) in parts.zip(segments) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => values.push((name, segment.as_str())),
            None if part == segment => {}
            _ => return None,
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(path: &'static str, segments: &'a [String]) -> Option<Vec<Value<'a>>> {
        values(path, segments)
    }

    #[test]
    fn a_path_selects_the_route_of_the_same_form_and_yields_its_values() {
        let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of("a/{b}/c", &segments("a/x y/c")), Some(vec![("b", "x y")]));
        assert_eq!(of("a/{b}/c", &segments("a//c")), None);
        assert_eq!(of("a/{b}/c", &segments("a/x")), None);
        assert_eq!(of("a", &segments("b")), None);
    }
}
