//! Rules about all text files: trailing white space, paths of a developer's machine, paths in the documentation.

use super::{Breach, Rule, Tree, each_line};

pub(super) const RULES: &[Rule] =
    &[no_trailing_white_space, no_path_of_a_machine, the_architecture_names_existing_paths];

/// Trailing white space causes unintended diffs. A carriage return counts: files have the same bytes on every machine.
fn no_trailing_white_space(tree: &Tree) -> Vec<Breach> {
    each_line(&tree.files, "white space", |line| {
        line.ends_with([' ', '\t', '\r']).then(|| "remove the trailing white space".to_owned())
    })
}

/// A path of one machine is wrong on every other.
fn no_path_of_a_machine(tree: &Tree) -> Vec<Breach> {
    // In two parts, so that this file follows the rule.
    const PLACES: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    each_line(&tree.files, "path", |line| {
        let is_in = |place: &&&str| line.match_indices(**place).any(|(at, _)| starts_a_path(line, at));
        let place = PLACES.iter().find(is_in)?;
        Some(format!("`{place}`: use a path relative to the repository"))
    })
}

/// Whether the slash starts a path rather than being inside a longer one, such as a route.
fn starts_a_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '>' | ')'))
}

/// The source map must not name files that have moved: words in backticks that start with a top-level directory or end like
/// a source file.
fn the_architecture_names_existing_paths(tree: &Tree) -> Vec<Breach> {
    let exists = |word: &str| {
        let in_directory = format!("{}/", word.trim_end_matches('/'));
        let as_name = format!("/{word}");
        tree.files.iter().map(|file| &file.path).any(|path| {
            path == word
                || path.starts_with(&in_directory)
                || (!word.contains('/') && path.ends_with(&as_name))
        })
    };
    let is_path = |word: &&str| {
        let is_below = ["crates/", "tests/", "xtask/"].iter().any(|top| word.starts_with(top));
        is_below || word.ends_with(".rs") || word.ends_with(".toml")
    };
    each_line(tree.file("ARCHITECTURE.md"), "map", |line| {
        let missing = line.split('`').skip(1).step_by(2).filter(is_path).find(|word| !exists(word))?;
        Some(format!("`{missing}` does not exist: update the path"))
    })
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
        let text = "`crates/core/src/a.rs` `crates/core/src` `crates/core/` `a.rs` `clippy.toml` `/api` `x/y`\n\
                    `crates/core/src/b.rs`\n`gone.rs`\n`tests/old/`\n";
        let tree =
            tree_of(&[("ARCHITECTURE.md", text), ("crates/core/src/a.rs", "//! a"), ("clippy.toml", "")]);
        let lines = [2, 3, 4].map(|line| format!("ARCHITECTURE.md:{line}"));
        assert_eq!(places(the_architecture_names_existing_paths, &tree), lines);
        assert!(the_architecture_names_existing_paths(&tree_of(&[])).is_empty());
    }
}
