//! The contents of a release: versions, dependencies, and edits. Separate, because nothing here changes a file.

use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Value};

use crate::failure::{Failure, Result};
use crate::workspace::Package;

const UNRELEASED: &str = "## Unreleased\n";

/// A planned release.
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) dir: String,
    pub(super) old: String,
    pub(super) new: String,
    pub(super) tag: String,
    /// The crates of this workspace that it depends on, including dev-dependencies.
    pub(super) dependencies: Vec<Dependency>,
}

/// A crate of this workspace that the released one depends on.
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) dir: String,
    pub(super) tag: String,
    /// Whether it is more than a dev-dependency.
    pub(super) is_built_by_users: bool,
}

impl Plan {
    pub(super) fn new(packages: &[Package], name: &str, level: &str) -> Result<Self> {
        let published: Vec<&Package> = packages.iter().filter(|package| package.published).collect();
        let package = published.iter().find(|package| package.name == name).ok_or_else(|| {
            let names: Vec<_> = published.iter().map(|package| package.name.as_str()).collect();
            Failure::usage(format!("no published crate `{name}`; there are: {}", names.join(", ")))
        })?;
        let (old, new) = (version(package), next(version(package), level)?);
        let dependency = |other: &&Package| {
            let mut kinds = package.dependencies.iter().filter(|one| one.name == other.name).peekable();
            kinds.peek()?;
            Some(Dependency {
                name: other.name.clone(),
                dir: other.dir.clone(),
                tag: tag(&other.name, version(other)),
                is_built_by_users: kinds.any(|one| one.kind != "dev"),
            })
        };
        Ok(Self {
            name: name.to_owned(),
            dir: package.dir.clone(),
            tag: tag(name, &new),
            dependencies: published.iter().filter_map(dependency).collect(),
            old: old.to_owned(),
            new,
        })
    }

    pub(super) fn has_changelog_entries(&self, root: &Path) -> Result<bool> {
        let text = read(root, &format!("{}/CHANGELOG.md", self.dir))?;
        let unreleased = text.split_once(UNRELEASED).map_or("", |(_, rest)| rest);
        Ok(unreleased.lines().take_while(|line| !line.starts_with("## ")).any(|line| line.starts_with("- ")))
    }

    /// The changed files, by their paths from the root, with their new text. Not yet written.
    pub(super) fn edits(&self, root: &Path, today: &str) -> Result<Vec<(String, String)>> {
        let edit = |path: String, change: &dyn Fn(&str) -> Result<String>| {
            let changed = read(root, &path).and_then(|text| change(&text));
            changed
                .map(|text| (path.clone(), text))
                .map_err(|failure| Failure::failed(format!("{path}: {}", failure.text())))
        };
        let heading = format!("{UNRELEASED}\n## {} ({today})\n", self.new);
        Ok(vec![
            edit(format!("{}/CHANGELOG.md", self.dir), &|text| Ok(text.replacen(UNRELEASED, &heading, 1)))?,
            edit(format!("{}/Cargo.toml", self.dir), &|text| {
                with_value(text, &["package", "version"], &self.new)
            })?,
            // Even if only unpublished packages depend on it: a path with another version is an error.
            edit("Cargo.toml".to_owned(), &|text| {
                with_value(text, &["workspace", "dependencies", &self.name, "version"], &self.new)
            })?,
        ])
    }
}

fn version(package: &Package) -> &str {
    package.metadata["version"].as_str().unwrap_or_default()
}

fn tag(name: &str, version: &str) -> String {
    format!("{name}-v{version}")
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).map_err(|error| Failure::failed(format!("{path}: {error}")))
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
        _ => Err(Failure::usage(format!("no level `{level}`; there are: first, patch, minor, major"))),
    }
}

/// Replaces the text at a path of keys in a manifest; everything else stays, including comments.
fn with_value(manifest: &str, keys: &[&str], text: &str) -> Result<String> {
    let mut document: DocumentMut =
        manifest.parse().map_err(|error: toml_edit::TomlError| Failure::failed(error.to_string()))?;
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
