//! Rules about text of any kind: white space, paths of a developer's machine, paths that the documentation names.

use super::{Breach, Rule, Tree};
use crate::workspace::TextFile;

pub(super) const RULES: &[Rule] =
    &[no_white_space_at_the_end, no_path_of_a_machine, the_architecture_names_what_is_there];

fn breach(file: &TextFile, line: usize, rule: &'static str, what_to_do: String) -> Breach {
    Breach { path: file.path.clone(), line, rule, what_to_do }
}

/// It shows as a change that nobody meant. A carriage return counts: files have the same bytes on every machine.
fn no_white_space_at_the_end(tree: &Tree) -> Vec<Breach> {
    each_line(tree, |file, number, line| {
        let told = || breach(file, number, "white space", "take out the white space at the end".to_owned());
        line.ends_with([' ', '\t', '\r']).then(told)
    })
}

/// A path of the machine it was written on holds nowhere else.
fn no_path_of_a_machine(tree: &Tree) -> Vec<Breach> {
    // In two parts, so that this file keeps the rule.
    const PLACES: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    each_line(tree, |file, number, line| {
        let place =
            PLACES.iter().find(|place| line.match_indices(**place).any(|(at, _)| starts_a_path(line, at)))?;
        Some(breach(file, number, "path", format!("`{place}`: write a path from the top of the repository")))
    })
}

/// Whether nothing before the slash makes it the middle of a longer path, such as a route.
fn starts_a_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '>' | ')'))
}

/// A map that names what has moved leads its reader astray.
fn the_architecture_names_what_is_there(tree: &Tree) -> Vec<Breach> {
    let Some(map) = tree.file("ARCHITECTURE.md") else { return Vec::new() };
    let mut breaches = Vec::new();
    for (index, line) in map.text.lines().enumerate() {
        let named = line.split('`').skip(1).step_by(2);
        for path in named.filter(|word| is_path(tree, word) && !exists(tree, word)) {
            breaches.push(breach(map, index + 1, "map", format!("`{path}` is not there: name what is")));
        }
    }
    breaches
}

/// Whether a word in backticks means a file or a directory: it ends as one does, or begins in a directory at the top.
/// Routes begin with a slash, media types and URLs in no directory; what cargo builds is not in the repository.
fn is_path(tree: &Tree, word: &str) -> bool {
    const ENDINGS: [&str; 6] = [".rs", ".toml", ".md", ".lock", ".json", "/"];
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '*'));
    let top = word.split('/').next().unwrap_or_default();
    let begins_here = word.contains('/') && tree.files.iter().any(|file| is_below(&file.path, top));
    let ends_so = ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
    plain && !top.is_empty() && top != "target" && (begins_here || ends_so)
}

/// A path from the top, with `*` for any part of a segment; or the bare name of a file anywhere.
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
        // Not `lines()`, which takes the carriage return away.
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
    fn white_space_at_the_end_is_told() {
        let tree = tree_of(&[("a.md", "fine\nspace \ntab\t\nwindows\r\n")]);
        assert_eq!(places(no_white_space_at_the_end, &tree), ["a.md:2", "a.md:3", "a.md:4"]);
    }

    #[test]
    fn a_path_of_a_machine_is_told_and_a_route_is_not() {
        let home = ["/ho", "me/"].concat();
        let work = ["/wo", "rk/"].concat();
        let text = format!("see {home}me\n(file://{work}x)\nGET /api{work}items\n${{X}}{home}y\n");
        assert_eq!(places(no_path_of_a_machine, &tree_of(&[("a.md", &text)])), ["a.md:1", "a.md:2"]);
    }

    #[test]
    fn a_path_that_is_not_there_is_told_in_the_architecture() {
        let text = "`crates/core/src/a.rs` `crates/*/src` `crates/core/` `a.rs` `clippy.toml`\n`crates/core/src/b.rs`\n\
                    `gone.rs`\n`old/`\n`/api/hubs` `application/json` `http::Uri` `GET x/y.md` `target/x.json`\n\
                    `crates/c*/gone`\n`x.y` `*`\n";
        let tree =
            tree_of(&[("ARCHITECTURE.md", text), ("crates/core/src/a.rs", "//! a"), ("clippy.toml", "")]);
        let lines = [2, 3, 4, 6].map(|line| format!("ARCHITECTURE.md:{line}"));
        assert_eq!(places(the_architecture_names_what_is_there, &tree), lines);
        assert!(the_architecture_names_what_is_there(&tree_of(&[])).is_empty());
    }
}
