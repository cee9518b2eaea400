//! Rules about all text files: trailing white space, paths of a developer's machine, paths in the documentation.

use super::{Breach, Rule, Tree};
use crate::workspace::TextFile;

pub(super) const RULES: &[Rule] =
    &[no_trailing_white_space, no_path_of_a_machine, the_architecture_names_existing_paths];

fn breach(file: &TextFile, line: usize, rule: &'static str, what_to_do: String) -> Breach {
    Breach { path: file.path.clone(), line, rule, what_to_do }
}

/// Trailing white space causes unintended diffs. A carriage return counts: files have the same bytes on every machine.
fn no_trailing_white_space(tree: &Tree) -> Vec<Breach> {
    each_line(tree, |file, number, line| {
        let found = || breach(file, number, "white space", "remove the trailing white space".to_owned());
        line.ends_with([' ', '\t', '\r']).then(found)
    })
}

/// A path of one machine is wrong on every other.
fn no_path_of_a_machine(tree: &Tree) -> Vec<Breach> {
    // In two parts, so that this file keeps the rule.
    const PLACES: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    each_line(tree, |file, number, line| {
        let place =
            PLACES.iter().find(|place| line.match_indices(**place).any(|(at, _)| starts_a_path(line, at)))?;
        Some(breach(file, number, "path", format!("`{place}`: use a path relative to the repository")))
    })
}

/// Whether the slash starts a path rather than being inside a longer one, such as a route.
fn starts_a_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '>' | ')'))
}

/// The source map must not name files that have moved.
fn the_architecture_names_existing_paths(tree: &Tree) -> Vec<Breach> {
    let Some(map) = tree.file("ARCHITECTURE.md") else { return Vec::new() };
    let mut breaches = Vec::new();
    for (index, line) in map.text.lines().enumerate() {
        let named = line.split('`').skip(1).step_by(2);
        for path in named.filter(|word| is_path(tree, word) && !exists(tree, word)) {
            breaches.push(breach(map, index + 1, "map", format!("`{path}` does not exist: update the path")));
        }
    }
    breaches
}

/// Whether a word in backticks is a file or directory: it has such an ending, or starts with a top-level directory.
/// Routes start with a slash, and media types and URLs with no directory; the target directory is not in the repository.
fn is_path(tree: &Tree, word: &str) -> bool {
    const ENDINGS: [&str; 6] = [".rs", ".toml", ".md", ".lock", ".json", "/"];
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '*'));
    let top = word.split('/').next().unwrap_or_default();
    let begins_here = word.contains('/') && tree.files.iter().any(|file| is_below(&file.path, top));
    let ends_so = ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
    plain && !top.is_empty() && top != "target" && (begins_here || ends_so)
}

/// A path from the root, with `*` for any part of a segment; or the bare name of any file.
fn exists(tree: &Tree, word: &str) -> bool {
    let parts: Vec<&str> = word.trim_end_matches('/').split('/').collect();
    tree.files.iter().any(|file| {
        let segments: Vec<&str> = file.path.split('/').collect();
        let from_top =
            segments.len() >= parts.len() && parts.iter().zip(&segments).all(|(p, s)| matches(p, s));
        let by_name = !word.contains('/') && segments.last() == Some(&word);
        from_top || by_name
    })
}

fn matches(pattern: &str, segment: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            segment.len() >= start.len() + end.len() && segment.starts_with(start) && segment.ends_with(end)
        }
        None => pattern == segment,
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn each_line(tree: &Tree, check: impl Fn(&TextFile, usize, &str) -> Option<Breach>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        // Not `lines()`, which removes the carriage return.
        for (index, line) in file.text.split('\n').enumerate() {
            breaches.extend(check(file, index + 1, line));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn trailing_white_space_is_reported() {
        let tree = tree_of(&[("a.md", "fine\nspace \ntab\t\nwindows\r\n")]);
        assert_eq!(places(no_trailing_white_space, &tree), ["a.md:2", "a.md:3", "a.md:4"]);
    }

    #[test]
    fn a_path_of_a_machine_is_reported_and_a_route_is_not() {
        let home = ["/ho", "me/"].concat();
        let work = ["/wo", "rk/"].concat();
        let text = format!("see {home}me\n(file://{work}x)\nGET /api{work}items\n${{X}}{home}y\n");
        assert_eq!(places(no_path_of_a_machine, &tree_of(&[("a.md", &text)])), ["a.md:1", "a.md:2"]);
    }

    #[test]
    fn a_missing_path_in_the_architecture_is_reported() {
        let text = "`crates/core/src/a.rs` `crates/*/src` `crates/core/` `a.rs` `clippy.toml`\n`crates/core/src/b.rs`\n\
                    `gone.rs`\n`old/`\n`/api/hubs` `application/json` `http::Uri` `GET x/y.md` `target/x.json`\n\
                    `crates/c*/gone`\n`x.y` `*`\n";
        let tree =
            tree_of(&[("ARCHITECTURE.md", text), ("crates/core/src/a.rs", "//! a"), ("clippy.toml", "")]);
        let lines = [2, 3, 4, 6].map(|line| format!("ARCHITECTURE.md:{line}"));
        assert_eq!(places(the_architecture_names_existing_paths, &tree), lines);
        assert!(the_architecture_names_existing_paths(&tree_of(&[])).is_empty());
    }
}
