//! The files that a release changes: written together, and put back together when what follows fails.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Value};

use crate::failure::{Failure, Result};

/// The files of a release as they were, and those of them that become different.
pub(super) struct Edits {
    root: PathBuf,
    before: Vec<(String, String)>,
    after: Vec<(String, String)>,
}

impl Edits {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), before: Vec::new(), after: Vec::new() }
    }

    /// Plans a change of a file, by its path from the root.
    pub(super) fn change(&mut self, path: &str, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
        let before = self.keep(path)?;
        let after =
            change(&before).map_err(|failure| Failure::failed(format!("{path}: {}", failure.text())))?;
        if after != before {
            self.after.push((path.to_owned(), after));
        }
        Ok(())
    }

    /// Remembers a file that another program is going to change.
    pub(super) fn keep(&mut self, path: &str) -> Result<String> {
        let text = fs::read_to_string(self.root.join(path)).map_err(|error| failed(path, &error))?;
        self.before.push((path.to_owned(), text.clone()));
        Ok(text)
    }

    /// Every file that may be different afterwards.
    pub(super) fn paths(&self) -> Vec<&str> {
        self.before.iter().map(|(path, _)| path.as_str()).collect()
    }

    /// What becomes different, as lines of `path: - old` and `path: + new`.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, after) in &self.after {
            let before = self.before.iter().find(|(kept, _)| kept == path).map_or("", |(_, text)| text);
            let only_in = |a: &str, b: &str, sign: &str| -> Vec<String> {
                let missing = a.lines().filter(|line| !b.lines().any(|other| other == *line));
                missing.map(|line| format!("{path}: {sign} {line}")).collect()
            };
            lines.extend(only_in(before, after, "-"));
            lines.extend(only_in(after, before, "+"));
        }
        lines
    }

    pub(super) fn write(&self) -> Result<()> {
        self.after.iter().try_for_each(|(path, text)| self.put(path, text))
    }

    pub(super) fn put_back(&self) -> Result<()> {
        self.before.iter().try_for_each(|(path, text)| self.put(path, text))
    }

    fn put(&self, path: &str, text: &str) -> Result<()> {
        fs::write(self.root.join(path), text).map_err(|error| failed(path, &error))
    }
}

/// A manifest with another text at a path of keys, everything else as it was, comments too.
pub(super) fn with_value(manifest: &str, keys: &[&str], text: &str) -> Result<String> {
    let mut document: DocumentMut =
        manifest.parse().map_err(|error: toml_edit::TomlError| Failure::failed(error.to_string()))?;
    let item = keys.iter().try_fold(document.as_item_mut(), |item, key| item.get_mut(key));
    let Some(value) = item.and_then(toml_edit::Item::as_value_mut) else {
        return Err(Failure::failed(format!("has no `{}`", keys.join("."))));
    };
    let decor = value.decor().clone();
    *value = Value::from(text);
    *value.decor_mut() = decor;
    Ok(document.to_string())
}

fn failed(path: &str, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_changes_and_all_around_it_stays() {
        let manifest = "# top\n[package]\nversion = \"0.1.0\" # ours\n\n[workspace.dependencies]\n\
                        core = { path = \"core\", version = \"0.1.0\" }\nother = \"0.1.0\"\n";
        let keys = ["workspace", "dependencies", "core", "version"];
        let after = with_value(manifest, &keys, "0.2.0").unwrap();
        let expected = manifest.replace("core\", version = \"0.1.0\"", "core\", version = \"0.2.0\"");
        assert_eq!(after, expected);
        let after = with_value(manifest, &["package", "version"], "0.2.0").unwrap();
        assert!(after.starts_with("# top\n[package]\nversion = \"0.2.0\" # ours\n"), "{after}");
    }

    #[test]
    fn a_value_that_is_not_there_is_told_by_its_keys() {
        let failure = with_value("[package]\n", &["package", "version"], "0.2.0").unwrap_err();
        assert!(failure.text().contains("package.version"));
    }
}
