//! Checks whether a license expression (SPDX: `MIT OR (Apache-2.0 AND ISC)`) can be met with accepted licenses.

use super::tree::Crate;

/// Permissive licenses only: users link these crates into programs with any license. `CC0-1.0` and `MIT-0` are missing
/// because nothing needs them: the packages that offer them also offer one of these. aws-lc-sys no longer contains code
/// under `OpenSSL`; if that changes, add an exception here with the reason.
pub(super) const ACCEPTED: Allowed = Allowed(&[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
]);

/// A set of accepted licenses.
pub(super) struct Allowed(&'static [&'static str]);

impl Allowed {
    /// Describes why the license of a crate is not accepted.
    pub(super) fn problem(&self, one: &Crate) -> Option<String> {
        let Crate { name, license, .. } = one;
        (!self.accepts(license)).then(|| format!("`{name}` has the license `{license}`"))
    }

    fn accepts(&self, expression: &str) -> bool {
        // Older manifests write a slash for OR.
        let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let mut words = spaced.split_whitespace().peekable();
        let accepted = self.any(&mut words);
        // Anything that remains could not be parsed.
        accepted == Some(true) && words.next().is_none()
    }

    fn any<'a>(&self, words: &mut Words<impl Iterator<Item = &'a str>>) -> Option<bool> {
        let mut accepted = self.all(words)?;
        while words.next_if_eq(&"OR").is_some() {
            accepted |= self.all(words)?;
        }
        Some(accepted)
    }

    fn all<'a>(&self, words: &mut Words<impl Iterator<Item = &'a str>>) -> Option<bool> {
        let mut accepted = self.one(words)?;
        while words.next_if_eq(&"AND").is_some() {
            accepted &= self.one(words)?;
        }
        Some(accepted)
    }

    fn one<'a>(&self, words: &mut Words<impl Iterator<Item = &'a str>>) -> Option<bool> {
        if words.next_if_eq(&"(").is_some() {
            let accepted = self.any(words)?;
            return words.next_if_eq(&")").map(|_| accepted);
        }
        let accepted = self.0.contains(&words.next()?);
        // An exception permits more than its license.
        if words.next_if_eq(&"WITH").is_some() {
            words.next()?;
        }
        Some(accepted)
    }
}

type Words<I> = std::iter::Peekable<I>;

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(expression: &str) -> bool {
        Allowed(&["MIT", "ISC", "Apache-2.0"]).accepts(expression)
    }

    #[test]
    fn one_acceptable_choice_is_enough() {
        for fine in
            ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "MPL-2.0 / MIT", "Apache-2.0 WITH LLVM-exception"]
        {
            assert!(accepts(fine), "{fine}");
        }
    }

    #[test]
    fn every_part_has_to_be_acceptable() {
        assert!(accepts("ISC AND (GPL-3.0 OR ISC) AND MIT"));
        for bad in ["MIT AND OpenSSL", "ISC AND (GPL-3.0 OR MPL-2.0)", "GPL-3.0 OR MIT AND OpenSSL"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn an_invalid_expression_is_not_accepted() {
        for bad in ["", "MIT Apache-2.0", "(MIT", "MIT OR", "MIT AND", "see LICENSE"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn the_list_of_the_workspace_has_only_permissive_licenses() {
        assert!(ACCEPTED.accepts("MIT OR Apache-2.0"));
        for strict in ["GPL-3.0-only", "MPL-2.0", "OpenSSL"] {
            assert!(!ACCEPTED.accepts(strict), "{strict}");
        }
    }
}
