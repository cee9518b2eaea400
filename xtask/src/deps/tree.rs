//! The output of `cargo tree` as a list of crates.

use std::collections::BTreeSet;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::process;
use crate::standalone::Standalone;

/// A flat list with a tab before the license, without dependencies of build scripts and tests.
pub(super) const ARGS: [&str; 7] = ["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}\t{l}"];

/// A crate in one version.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// As in its manifest; empty if missing.
    pub(super) license: String,
}

/// Returns the crates of a program on this machine, including itself.
pub(super) fn of(hello: &Standalone) -> Result<Vec<Crate>> {
    crates(|offline| hello.cargo(ARGS.iter().chain(offline)))
}

/// Returns the crates of the tree that a command prints, each once: offline if possible, otherwise from the registry.
pub(super) fn crates(command: impl Fn(&'static [&'static str]) -> Command) -> Result<Vec<Crate>> {
    let text = process::read(command(&["--offline"])).or_else(|_| process::read(command(&[])))?;
    Some(parse(&text))
        .filter(|crates| !crates.is_empty())
        .ok_or_else(|| Failure::failed("`cargo tree` printed no crate"))
}

/// Returns the names of crates in more than one version.
pub(super) fn in_two_versions(crates: &[Crate]) -> Vec<&str> {
    let mut names: Vec<&str> = crates.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    let again = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    again.collect::<BTreeSet<_>>().into_iter().collect()
}

fn parse(text: &str) -> Vec<Crate> {
    text.lines().filter_map(parse_line).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `name v1.0.0 (proc-macro)<tab>MIT (*)`, where the star means that its dependencies are listed above.
fn parse_line(line: &str) -> Option<Crate> {
    let (package, license) = line.split_once('\t')?;
    let mut words = package.split(' ');
    Some(Crate {
        name: words.next()?.to_owned(),
        version: words.next()?.to_owned(),
        license: license.trim_end().trim_end_matches("(*)").trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "hello v0.0.0 (/x/hello)\t\nsyn v2.0.1\tMIT OR Apache-2.0\nderive v1.0.0 (proc-macro)\tMIT\n\
                        syn v1.0.9\tMIT\nsyn v2.0.1\tMIT OR Apache-2.0 (*)\n\n";

    #[test]
    fn a_repeated_crate_counts_once() {
        let crates = parse(TREE);
        let found: Vec<_> =
            crates.iter().map(|one| format!("{} {}: {}", one.name, one.version, one.license)).collect();
        let expected =
            ["derive v1.0.0: MIT", "hello v0.0.0: ", "syn v1.0.9: MIT", "syn v2.0.1: MIT OR Apache-2.0"];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_crate_in_two_versions_is_named_once() {
        assert_eq!(in_two_versions(&parse(TREE)), ["syn"]);
        let doubled = [TREE, "syn v3.0.0\tMIT\n"].concat();
        assert_eq!(in_two_versions(&parse(&doubled)), ["syn"]);
    }
}
