//! Rules about packages: the direction of dependencies, and the contents of a manifest and its directory.

use super::{Breach, Rule, Tree};
use crate::workspace::{self, CORE, EMULATOR, Package};

pub(super) const RULES: &[Rule] = &[
    dependencies_have_one_direction,
    the_workspace_sets_lints_and_versions,
    a_published_package_is_complete,
    a_published_package_has_its_files,
];

fn breach(package: &Package, line: usize, rule: &'static str, what_to_do: impl Into<String>) -> Breach {
    Breach::new(format!("{}/Cargo.toml", package.dir), line, rule, what_to_do)
}

/// A client depends on the core alone, so that each can be used alone. The emulator shares no code with the clients, so
/// that it shares no mistake with them. The task runner depends on none, so that it builds in seconds, even if they do not.
fn dependencies_have_one_direction(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in &tree.packages {
        let ours = package.dependencies.iter().filter(|dep| tree.packages.iter().any(|p| p.name == dep.name));
        for dependency in ours.filter(|dep| !may_depend(package, &dep.name, &dep.kind)) {
            let (name, kind) = (&dependency.name, &dependency.kind);
            let what_to_do =
                format!("remove the {kind} dependency on `{name}`: {} must not use it", package.name);
            breaches.push(breach(package, 1, "direction", what_to_do));
        }
    }
    breaches
}

fn may_depend(package: &Package, on: &str, kind: &str) -> bool {
    match package.name.as_str() {
        CORE | EMULATOR | "xtask" => false,
        _ if !package.published => on != "xtask",
        _ if kind == "dev" => on == CORE || on == EMULATOR,
        _ => on == CORE,
    }
}

/// Lints and versions are set once, in the root manifest, so that every package is checked and none requires different
/// versions.
fn the_workspace_sets_lints_and_versions(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in &tree.packages {
        let path = format!("{}/Cargo.toml", package.dir);
        let text = tree.file(&path).map_or("", |file| &file.text);
        if !text.contains("[lints]\nworkspace = true\n") {
            breaches.push(breach(package, 1, "lints", "add `[lints]` with `workspace = true`"));
        }
        let mut table = "";
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('[') {
                table = line;
            }
            let is_entry = line.starts_with(|c: char| c.is_ascii_alphanumeric());
            let sets_a_version = if table.ends_with("dependencies]") {
                !line.replace(' ', "").contains("workspace=true")
            } else {
                table.contains("dependencies.")
                    && ["version", "path", "git"].iter().any(|key| line.starts_with(key))
            };
            if is_entry && sets_a_version {
                let what_to_do = "write `.workspace = true` and set the version in the root manifest";
                breaches.push(breach(package, index + 1, "versions", what_to_do));
            }
        }
    }
    breaches
}

/// The registry and docs.rs show these parts; the registry rejects more than five keywords.
fn a_published_package_is_complete(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in tree.packages.iter().filter(|package| package.published) {
        let metadata = &package.metadata;
        let keywords = workspace::list(&metadata["keywords"]).count();
        let is_text = |key: &str| metadata[key].as_str().is_some_and(|text| !text.trim().is_empty());
        let parts = [
            ("description", is_text("description")),
            ("keywords (1 to 5)", (1..=5).contains(&keywords)),
            ("categories", workspace::list(&metadata["categories"]).count() > 0),
            ("license", is_text("license")),
            ("readme", is_text("readme")),
            ("rust-version", is_text("rust_version")),
            ("package.metadata.docs.rs", metadata["metadata"]["docs"]["rs"].is_object()),
        ];
        for (part, _) in parts.into_iter().filter(|(_, is_there)| !is_there) {
            breaches.push(breach(package, 1, "metadata", format!("set {part}")));
        }
    }
    breaches
}

/// A package contains only files of its directory, and both licenses require their text in it.
fn a_published_package_has_its_files(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in tree.packages.iter().filter(|package| package.published) {
        for name in ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "CHANGELOG.md"] {
            let path = format!("{}/{name}", package.dir);
            let (own, top) = (tree.file(&path), tree.file(name));
            let what_to_do = match own {
                None => format!("add {path}"),
                Some(own) if name.starts_with("LICENSE") && top.is_none_or(|top| top.text != own.text) => {
                    format!("make {path} and {name} the same text")
                }
                Some(_) => continue,
            };
            breaches.push(breach(package, 1, "files", what_to_do));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{places, tree_of};
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, published: bool, dependencies: &[(&str, &str)]) -> Package {
        let dependency =
            |(name, kind): &(&str, &str)| Dependency { name: (*name).to_owned(), kind: (*kind).to_owned() };
        Package {
            name: name.to_owned(),
            dir: format!("crates/{name}"),
            published,
            dependencies: dependencies.iter().map(dependency).collect(),
            ..Package::default()
        }
    }

    /// The manifests with a dependency against the direction.
    fn against_direction(packages: Vec<Package>) -> Vec<String> {
        let mut tree = tree_of(&[]);
        tree.packages = packages;
        dependencies_have_one_direction(&tree).into_iter().map(|breach| breach.path).collect()
    }

    #[test]
    fn dependencies_in_the_allowed_direction_are_fine() {
        let packages = vec![
            package(CORE, true, &[("serde", "normal")]),
            package(EMULATOR, true, &[]),
            package("client", true, &[(CORE, "normal"), (CORE, "dev"), (EMULATOR, "dev")]),
            package("workspace-tests", false, &[("client", "normal"), (EMULATOR, "normal"), (CORE, "dev")]),
            package("xtask", false, &[("lexopt", "normal")]),
        ];
        assert!(against_direction(packages).is_empty());
    }

    #[test]
    fn dependencies_against_the_direction_are_reported() {
        let packages = vec![
            package(CORE, true, &[(EMULATOR, "dev")]),
            package(EMULATOR, true, &[("a", "dev")]),
            package("a", true, &[(EMULATOR, "normal")]),
            package("b", true, &[("a", "dev")]),
            package("c", true, &[("a", "build")]),
            package("xtask", false, &[(CORE, "dev")]),
        ];
        let expected =
            [CORE, EMULATOR, "a", "b", "c", "xtask"].map(|name| format!("crates/{name}/Cargo.toml"));
        assert_eq!(against_direction(packages), expected);
    }

    #[test]
    fn missing_lints_and_a_version_outside_the_root_manifest_are_reported() {
        let text = "[lints]\nworkspace = true\n[dependencies]\na.workspace = true\nb = \"1\"\n\
                    c = { workspace = true, features = [\n  \"x\",\n] }\n\
                    [target.'cfg(unix)'.dev-dependencies]\nd = { version = \"1\" }\n\
                    [dependencies.e]\nworkspace = true\n[dependencies.f]\nversion = \"1\"\n[package]\nversion = \"1\"\n";
        let mut tree = tree_of(&[
            ("crates/a/Cargo.toml", text),
            ("crates/b/Cargo.toml", "[lints.clippy]\nall = \"warn\"\n"),
        ]);
        tree.packages = vec![package("a", true, &[]), package("b", true, &[])];
        let expected = [5, 10, 14].map(|line| format!("crates/a/Cargo.toml:{line}"));
        let found = places(the_workspace_sets_lints_and_versions, &tree);
        assert_eq!(found, [&expected[..], &["crates/b/Cargo.toml:1".to_owned()]].concat());
    }

    #[test]
    fn every_missing_part_of_a_published_manifest_is_reported() {
        let full = json!({
            "description": "x", "keywords": ["a"], "categories": ["b"], "license": "MIT", "readme": "README.md",
            "rust_version": "1.88", "metadata": { "docs": { "rs": {} } },
        });
        let mut complete = package("a", true, &[]);
        complete.metadata = full.clone();
        let mut wordy = package("b", true, &[]);
        wordy.metadata = full;
        wordy.metadata["keywords"] = json!(["1", "2", "3", "4", "5", "6"]);
        let mut tree = tree_of(&[]);
        tree.packages = vec![complete, wordy, package("c", true, &[]), package("d", false, &[])];
        let found = places(a_published_package_is_complete, &tree);
        assert_eq!(found.iter().filter(|line| line.starts_with("crates/b/")).count(), 1);
        assert_eq!(found.iter().filter(|line| line.starts_with("crates/c/")).count(), 7);
        assert_eq!(found.len(), 8);
    }

    #[test]
    fn a_missing_file_and_a_different_license_are_reported() {
        let mut tree = tree_of(&[
            ("LICENSE-MIT", "mit"),
            ("LICENSE-APACHE", "apache"),
            ("crates/a/LICENSE-MIT", "mit"),
            ("crates/a/LICENSE-APACHE", "other"),
            ("crates/a/README.md", "a"),
        ]);
        tree.packages = vec![package("a", true, &[]), package("b", false, &[])];
        let expected = [
            "crates/a/Cargo.toml:1: files: make crates/a/LICENSE-APACHE and LICENSE-APACHE the same text",
            "crates/a/Cargo.toml:1: files: add crates/a/CHANGELOG.md",
        ];
        let found = a_published_package_has_its_files(&tree);
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
}
