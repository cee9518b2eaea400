//! `cargo xtask tidy`: the house rules that neither the compiler nor clippy checks, each a small function under `tidy/`.
//! They also run as a test of this package, so that `cargo test` reports a breach.

mod documents;
mod language;
mod manifests;
mod sources;

use std::fmt;

use crate::failure::{Failure, Result};
use crate::workspace::{self, Package, TextFile};

pub(crate) const HELP: &str = "\
usage: cargo xtask tidy

Checks the house rules: size and first line of files, language, dependency direction, manifests, licenses, paths, and
trailing white space. Prints a line `file:line: rule: what to do` for each breach.";

/// A place where a rule is broken.
#[derive(Debug, PartialEq)]
struct Breach {
    path: String,
    line: usize,
    rule: &'static str,
    what_to_do: String,
}

impl Breach {
    fn new(path: impl Into<String>, line: usize, rule: &'static str, what_to_do: impl Into<String>) -> Self {
        Self { path: path.into(), line, rule, what_to_do: what_to_do.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, what_to_do } = self;
        write!(f, "{path}:{line}: {rule}: {what_to_do}")
    }
}

/// The input of the rules.
struct Tree {
    packages: Vec<Package>,
    files: Vec<TextFile>,
}

impl Tree {
    fn read() -> Result<Self> {
        Ok(Self { packages: workspace::packages()?, files: workspace::text_files() })
    }

    fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// A rule: returns the breaches that it finds.
type Rule = fn(&Tree) -> Vec<Breach>;

/// Checks the rules.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read()?;
    let breaches = breaches(&tree);
    for breach in &breaches {
        println!("{breach}");
    }
    if breaches.is_empty() {
        println!("{} files keep the house rules", tree.files.len());
        return Ok(());
    }
    Err(Failure::failed(format!("breaches of the house rules: {}", breaches.len())))
}

/// Reports each line for which a check returns what to do.
fn each_line<'a>(
    files: impl IntoIterator<Item = &'a TextFile>,
    rule: &'static str,
    check: impl Fn(&str) -> Option<String>,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for TextFile { path, text } in files {
        // Not `lines()`, which removes the carriage return.
        for (index, line) in text.split('\n').enumerate() {
            breaches.extend(check(line).map(|what_to_do| Breach::new(path, index + 1, rule, what_to_do)));
        }
    }
    breaches
}

fn breaches(tree: &Tree) -> Vec<Breach> {
    let rules = [sources::RULES, language::RULES, manifests::RULES, documents::RULES].concat();
    let mut breaches: Vec<_> = rules.iter().flat_map(|rule| rule(tree)).collect();
    breaches.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of these files and no package.
    pub(super) fn tree_of(files: &[(&str, &str)]) -> Tree {
        let file =
            |(path, text): &(&str, &str)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() };
        Tree { packages: Vec::new(), files: files.iter().map(file).collect() }
    }

    /// The places that a rule names, as `path:line`.
    pub(super) fn places(rule: Rule, tree: &Tree) -> Vec<String> {
        rule(tree).iter().map(|breach| format!("{}:{}", breach.path, breach.line)).collect()
    }

    #[test]
    fn the_workspace_keeps_its_house_rules() {
        let breaches = breaches(&Tree::read().unwrap());
        let lines: Vec<_> = breaches.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }

    #[test]
    fn a_breach_is_reported_on_one_line_that_an_editor_can_follow() {
        let breach = Breach::new("a/b.rs", 3, "size", "split it");
        assert_eq!(breach.to_string(), "a/b.rs:3: size: split it");
    }
}
