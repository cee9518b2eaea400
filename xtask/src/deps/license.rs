//! Checks whether a license expression (SPDX: `MIT OR (Apache-2.0 AND ISC)`) can be met with accepted licenses.

/// Permissive licenses only: users link these crates into programs with any license. `CC0-1.0` and `MIT-0` are missing
/// because nothing needs them: the packages that offer them also offer one of these. aws-lc-sys no longer contains code
/// under `OpenSSL`; if that changes, add an exception here with the reason.
const ACCEPTED: &[&str] = &[
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
];

/// Returns whether the license of a crate is accepted.
pub(super) fn is_accepted(license: &str) -> bool {
    is_met(license, ACCEPTED)
}

/// Requires one of these licenses in each operand of `AND`. Parentheses are ignored, which can only reject more: every
/// expression is true if all of these are.
fn is_met(expression: &str, accepted: &[&str]) -> bool {
    // Older manifests write a slash for OR.
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    let words: Vec<&str> = flat.split_whitespace().collect();
    words.split(|word| *word == "AND").all(|operands| {
        operands.split(|word| *word == "OR").any(|operand| match operand {
            // An exception permits more than its license.
            [license] | [license, "WITH", _] => accepted.contains(license),
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(expression: &str) -> bool {
        is_met(expression, &["MIT", "ISC", "Apache-2.0"])
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
        for bad in [
            "MIT AND OpenSSL",
            "ISC AND (GPL-3.0 OR MPL-2.0)",
            "GPL-3.0 OR MIT AND OpenSSL",
            "(MIT AND OpenSSL) OR GPL-3.0",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn an_invalid_expression_is_not_accepted() {
        for bad in ["", "MIT Apache-2.0", "MIT AND", "see LICENSE"] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn the_list_of_the_workspace_has_only_permissive_licenses() {
        assert!(is_accepted("MIT OR Apache-2.0"));
        for strict in ["GPL-3.0-only", "MPL-2.0", "OpenSSL"] {
            assert!(!is_accepted(strict), "{strict}");
        }
    }
}
