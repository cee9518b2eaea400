//! The workspace: its root, its packages as reported by `cargo metadata`, and its text files.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::process::{self, root};

/// The crate that the clients share.
pub(crate) const CORE: &str = "service-core";
pub(crate) const EMULATOR: &str = "service-emulator";

/// A package of the workspace.
#[derive(Debug, Default, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its directory, from the workspace root, with `/`.
    pub(crate) dir: String,
    /// Whether it is published to the registry.
    pub(crate) published: bool,
    /// Whether it has a library with doctests.
    pub(crate) doctests: bool,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Its complete entry in `cargo metadata`.
    pub(crate) metadata: Value,
}

impl Package {
    pub(crate) fn version(&self) -> &str {
        self.metadata["version"].as_str().unwrap_or_default()
    }

    pub(crate) fn has_feature(&self, name: &str) -> bool {
        self.features.iter().any(|feature| feature == name)
    }
}

/// A dependency as the manifest names it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `normal`, `dev` or `build`.
    pub(crate) kind: String,
}

/// A text file of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct TextFile {
    /// Its path from the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The packages of the workspace, in the order of their names.
pub(crate) fn packages() -> Result<Vec<Package>> {
    packages_of(&root())
}

/// The packages that are published, in the order of their names.
pub(crate) fn published() -> Result<Vec<Package>> {
    Ok(packages()?.into_iter().filter(|package| package.published).collect())
}

/// The packages of the workspace in a directory, in the order of their names.
pub(crate) fn packages_of(root: &Path) -> Result<Vec<Package>> {
    let metadata = metadata(root)?;
    let mut packages: Vec<_> = list(&metadata["packages"]).map(|metadata| package(root, metadata)).collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// The target directory of cargo, which also contains the output of this program.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = metadata(&root())?;
    let target = metadata["target_directory"].as_str();
    target.map(PathBuf::from).ok_or_else(|| Failure::failed("`cargo metadata` reports no target directory"))
}

/// Every text file of the workspace. Binary files are skipped.
pub(crate) fn text_files() -> Vec<TextFile> {
    let root = root();
    let mut paths = found_in(&root);
    paths.sort();
    let read = |path: String| {
        let text = fs::read_to_string(root.join(&path)).ok().filter(|text| !text.contains('\0'))?;
        Some(TextFile { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

fn metadata(root: &Path) -> Result<Value> {
    let mut command = process::cargo(["metadata", "--no-deps", "--format-version", "1", "--offline"]);
    command.current_dir(root);
    let text = process::read(command)?;
    serde_json::from_str(&text).map_err(Failure::at("`cargo metadata`"))
}

fn package(root: &Path, metadata: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(text(&metadata["manifest_path"]));
    let dir = manifest.parent().and_then(|dir| dir.strip_prefix(root).ok()).map(slashed);
    Package {
        name: text(&metadata["name"]),
        dir: dir.unwrap_or_default(),
        published: metadata["publish"].is_null(),
        doctests: list(&metadata["targets"]).any(|target| target["doctest"] == true),
        features: metadata["features"].as_object().into_iter().flat_map(|map| map.keys().cloned()).collect(),
        dependencies: list(&metadata["dependencies"])
            .map(|dependency| Dependency {
                name: text(&dependency["name"]),
                kind: dependency["kind"].as_str().unwrap_or("normal").to_owned(),
            })
            .collect(),
        metadata: metadata.clone(),
    }
}

/// The elements of a JSON array; none for any other value.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// The files below a directory, by their relative paths with `/`, without `.git`, the target directory, and
/// corpora, which are anything but text.
pub(crate) fn found_in(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                // `.git` is a file in a git worktree.
                _ if path == root.join("target")
                    || path.ends_with(".git")
                    || path.ends_with("fuzz/corpus") => {}
                Ok(kind) if kind.is_dir() => directories.push(path),
                Ok(kind) if kind.is_file() => paths.extend(path.strip_prefix(root).ok().map(slashed)),
                _ => {}
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_this_package_without_doctests_and_unpublished() {
        let packages = packages().unwrap();
        let xtask = packages.iter().find(|package| package.name == "xtask").unwrap();
        assert_eq!((xtask.dir.as_str(), xtask.published, xtask.doctests), ("xtask", false, false));
        assert!(xtask.dependencies.iter().any(|dep| dep.name == "lexopt" && dep.kind == "normal"));
        let core = packages.iter().find(|package| package.name == "service-core").unwrap();
        assert_eq!((core.dir.as_str(), core.published, core.doctests), ("crates/core", true, true));
        assert!(core.features.iter().any(|feature| feature == "rustls"));
    }

    #[test]
    fn the_sources_are_found_and_the_build_is_not() {
        let paths = found_in(&root());
        assert!(paths.iter().any(|path| path == "xtask/src/workspace.rs"));
        assert!(!paths.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
    }
}
