//! Which version a release gets.

use std::ffi::OsStr;

use crate::failure::{Failure, Result};

/// How far a release is from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The version that the manifest has already, as long as it was never released.
    First,
    Patch,
    Minor,
    Major,
}

impl Level {
    /// The level of a command line.
    pub(super) fn parse(word: &OsStr) -> Result<Self> {
        match word.to_str() {
            Some("first") => Ok(Self::First),
            Some("patch") => Ok(Self::Patch),
            Some("minor") => Ok(Self::Minor),
            Some("major") => Ok(Self::Major),
            _ => Err(Failure::usage(format!(
                "no level `{}`; there are: first, patch, minor, major",
                word.to_string_lossy()
            ))),
        }
    }

    /// The version that follows `version`.
    pub(super) fn after(self, version: &str) -> Result<String> {
        let numbers: Vec<u64> = version.split('.').filter_map(|number| number.parse().ok()).collect();
        let plain = || Failure::failed(format!("the version `{version}` is not three numbers"));
        let &[major, minor, patch] = numbers.as_slice() else { return Err(plain()) };
        // A number that did not parse, as in `1.2.3.x`, was left out above.
        if version.split('.').count() != 3 {
            return Err(plain());
        }
        Ok(match self {
            Self::First => version.to_owned(),
            Self::Patch => format!("{major}.{minor}.{}", patch + 1),
            Self::Minor => format!("{major}.{}.0", minor + 1),
            Self::Major => format!("{}.0.0", major + 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_raises_its_number_and_sets_those_after_it_to_zero() {
        let cases = [
            (Level::First, "0.1.9"),
            (Level::Patch, "0.1.10"),
            (Level::Minor, "0.2.0"),
            (Level::Major, "1.0.0"),
        ];
        for (level, expected) in cases {
            assert_eq!(level.after("0.1.9").unwrap(), expected);
        }
    }

    #[test]
    fn a_version_that_is_not_three_numbers_is_refused() {
        for bad in ["0.1", "1.0.0-rc.1", "1.0.0.x", "a.b.c", ""] {
            assert!(Level::Patch.after(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_level_is_a_usage_error_that_names_the_known_ones() {
        let failure = Level::parse(OsStr::new("huge")).unwrap_err();
        assert_eq!(failure.exit_status(), 2);
        assert!(failure.text().contains("`huge`") && failure.text().contains("patch"));
    }
}
