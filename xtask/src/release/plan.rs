//! The contents of a release: versions, dependencies, and edits. Separate, because nothing here changes a file.

use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, TomlError, Value};

use crate::failure::{Failure, Result};
use crate::flags;
use crate::workspace::Package;

const UNRELEASED: &str = "## Unreleased\n";

/// A planned release.
pub(super) struct Plan {
    pub(super) package: Package,
    /// The new version.
    pub(super) new: String,
    pub(super) tag: String,
    /// The crates of this workspace that it depends on, and whether each is more than a dev-dependency: its users build it.
    pub(super) dependencies: Vec<(Package, bool)>,
}

impl Plan {
    pub(super) fn new(packages: &[Package], name: &str, level: &str) -> Result<Self> {
        let published = || packages.iter().filter(|package| package.published);
        let Some(package) = published().find(|package| package.name == name) else {
            let names: Vec<_> = published().map(|package| package.name.as_str()).collect();
            return Err(flags::not_one_of("published crate", name, &names));
        };
        let dependency = |other: &Package| {
            let mut kinds = package.dependencies.iter().filter(|one| one.name == other.name).peekable();
            kinds.peek()?;
            Some((other.clone(), kinds.any(|one| one.kind != "dev")))
        };
        let new = next(package.version(), level)?;
        let dependencies = published().filter_map(dependency).collect();
        Ok(Self { package: package.clone(), tag: tag(name, &new), new, dependencies })
    }

    pub(super) fn has_changelog_entries(&self, root: &Path) -> Result<bool> {
        let text = read(root, &format!("{}/CHANGELOG.md", self.package.dir))?;
        let unreleased = text.split_once(UNRELEASED).map_or("", |(_, rest)| rest);
        Ok(unreleased.lines().take_while(|line| !line.starts_with("## ")).any(|line| line.starts_with("- ")))
    }

    /// The changed files, by their paths from the root, with their new text. Not yet written.
    pub(super) fn edits(&self, root: &Path, today: &str) -> Result<Vec<(String, String)>> {
        let Package { name, dir, .. } = &self.package;
        let changelog = format!("{dir}/CHANGELOG.md");
        let heading = format!("{UNRELEASED}\n## {} ({today})\n", self.new);
        let dated = read(root, &changelog)?.replacen(UNRELEASED, &heading, 1);
        let with_version = |path: String, keys: &[&str]| -> Result<_> {
            let changed = with_value(&read(root, &path)?, keys, &self.new).map_err(Failure::at(&path))?;
            Ok((path, changed))
        };
        Ok(vec![
            (changelog, dated),
            with_version(format!("{dir}/Cargo.toml"), &["package", "version"])?,
            // Even if only unpublished packages depend on it: a path with another version is an error.
            with_version("Cargo.toml".to_owned(), &["workspace", "dependencies", name, "version"])?,
        ])
    }
}

pub(super) fn tag(name: &str, version: &str) -> String {
    format!("{name}-v{version}")
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).map_err(Failure::at(path))
}

/// The version after `version`.
fn next(version: &str, level: &str) -> Result<String> {
    let numbers: Vec<Option<u64>> = version.split('.').map(|number| number.parse().ok()).collect();
    let &[Some(major), Some(minor), Some(patch)] = numbers.as_slice() else {
        return Err(Failure::failed(format!("the version `{version}` is not three numbers")));
    };
    match level {
        "first" => Ok(version.to_owned()),
        "patch" => Ok(format!("{major}.{minor}.{}", patch + 1)),
        "minor" => Ok(format!("{major}.{}.0", minor + 1)),
        "major" => Ok(format!("{}.0.0", major + 1)),
        _ => Err(flags::not_one_of("level", level, &["first", "patch", "minor", "major"])),
    }
}

/// Replaces the text at a path of keys in a manifest; everything else stays, including comments.
fn with_value(manifest: &str, keys: &[&str], text: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse().map_err(Failure::at::<TomlError>("TOML"))?;
    let item = keys.iter().try_fold(document.as_item_mut(), |item, key| item.get_mut(key));
    let Some(value) = item.and_then(toml_edit::Item::as_value_mut) else {
        return Err(Failure::failed(format!("`{}` is missing", keys.join("."))));
    };
    let decor = value.decor().clone();
    *value = Value::from(text);
    *value.decor_mut() = decor;
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_raises_its_number_and_resets_those_after_it() {
        for (level, expected) in
            [("first", "0.1.9"), ("patch", "0.1.10"), ("minor", "0.2.0"), ("major", "1.0.0")]
        {
            assert_eq!(next("0.1.9", level).unwrap(), expected);
        }
        for bad in ["0.1", "1.0.0-rc.1", "1.0.0.x", "a.b.c", ""] {
            assert!(next(bad, "patch").is_err(), "{bad}");
        }
        let failure = next("0.1.0", "huge").unwrap_err();
        assert!(failure.exit_status() == 2 && failure.text().contains("`huge`; there are: first, patch"));
    }

    #[test]
    fn a_value_changes_and_everything_around_it_stays() {
        let manifest = "# top\n[package]\nversion = \"0.1.0\" # ours\n\n[workspace.dependencies]\n\
                        core = { path = \"core\", version = \"0.1.0\" }\nother = \"0.1.0\"\n";
        let keys = ["workspace", "dependencies", "core", "version"];
        let expected = manifest.replace("core\", version = \"0.1.0\"", "core\", version = \"0.2.0\"");
        assert_eq!(with_value(manifest, &keys, "0.2.0").unwrap(), expected);
        let after = with_value(manifest, &["package", "version"], "0.2.0").unwrap();
        assert!(after.starts_with("# top\n[package]\nversion = \"0.2.0\" # ours\n"), "{after}");
        let failure = with_value("[package]\n", &["package", "version"], "0.2.0").unwrap_err();
        assert!(failure.text().contains("package.version"));
    }
}
