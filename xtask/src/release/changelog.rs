//! The changelog of a crate: whether there is something to release, and the same text with a release in it.

const UNRELEASED: &str = "## Unreleased";

/// Whether a line stands under the heading of what is not released yet.
pub(super) fn has_entries(text: &str) -> bool {
    let unreleased = text.lines().skip_while(|line| line.trim_end() != UNRELEASED).skip(1);
    unreleased.take_while(|line| !line.starts_with("## ")).any(|line| line.starts_with("- "))
}

/// The text with what was unreleased under the heading of a version, below an empty heading for what comes next.
pub(super) fn dated(text: &str, version: &str, date: &str) -> String {
    let heading = format!("{UNRELEASED}\n");
    text.replacen(&heading, &format!("{heading}\n## {version} ({date})\n"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# Changelog\n\n## Unreleased\n\n- **fixed:** a\n\n## 0.1.0 (2026-01-02)\n\n- b\n";

    #[test]
    fn what_was_unreleased_stands_under_the_version_afterwards() {
        let after = dated(BEFORE, "0.1.1", "2026-11-22");
        let expected = "# Changelog\n\n## Unreleased\n\n## 0.1.1 (2026-11-22)\n\n- **fixed:** a\n\n\
                        ## 0.1.0 (2026-01-02)\n\n- b\n";
        assert_eq!(after, expected);
    }

    #[test]
    fn entries_of_earlier_versions_are_not_unreleased() {
        assert!(has_entries(BEFORE));
        assert!(!has_entries(&dated(BEFORE, "0.1.1", "2026-11-22")));
        assert!(!has_entries("- a line before\n"));
    }
}
