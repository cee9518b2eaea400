//! Whether a licence expression (SPDX: `MIT OR (Apache-2.0 AND ISC)`) can be met with licences that we accept. The list
//! of those is in `deny.toml`, so that cargo-deny reads the same one.

use std::collections::BTreeSet;
use std::fs;

use super::tree::Crate;
use crate::failure::{Failure, Result};
use crate::{manifest, workspace};

/// The licences that are accepted.
pub(super) struct Allowed(BTreeSet<String>);

impl Allowed {
    /// The list of `deny.toml`.
    pub(super) fn read() -> Result<Self> {
        let path = workspace::root().join("deny.toml");
        let text =
            fs::read_to_string(&path).map_err(|error| Failure::failed(format!("deny.toml: {error}")))?;
        let entries = manifest::entries(&text);
        let list = entries.iter().find(|entry| entry.table == "licenses" && entry.key == "allow");
        let names = list.map(|entry| manifest::strings(&entry.value)).unwrap_or_default();
        if names.is_empty() {
            return Err(Failure::failed("deny.toml: `[licenses]` allows none"));
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }

    /// What is wrong with the licence of a crate.
    pub(super) fn complaint(&self, one: &Crate) -> Option<String> {
        let Crate { name, licence, .. } = one;
        (!self.accepts(licence)).then(|| format!("`{name}` is under `{licence}`"))
    }

    fn accepts(&self, expression: &str) -> bool {
        // Older manifests write a slash for OR.
        let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let mut words = spaced.split_whitespace().peekable();
        let accepted = self.any(&mut words);
        // A rest is an expression that we did not understand.
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
        let accepted = self.0.contains(words.next()?);
        // An exception permits more than its licence does.
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
        Allowed(["MIT", "ISC", "Apache-2.0"].map(str::to_owned).into()).accepts(expression)
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
    fn what_is_no_expression_is_not_accepted() {
        for bad in ["", "MIT Apache-2.0", "(MIT", "MIT OR", "MIT AND", "see LICENSE"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn the_list_of_the_workspace_has_permissive_licences_only() {
        let allowed = Allowed::read().unwrap();
        assert!(allowed.accepts("MIT OR Apache-2.0"));
        assert!(
            !allowed.accepts("GPL-3.0-only") && !allowed.accepts("MPL-2.0") && !allowed.accepts("OpenSSL")
        );
    }
}
