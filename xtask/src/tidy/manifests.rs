//! Rules about packages: which may depend on which, and what a manifest and its directory hold.

use super::{Breach, Rule, Tree};
use crate::manifest::{self, Entry};
use crate::workspace::{self, Package};

pub(super) const RULES: &[Rule] = &[
    dependencies_point_one_way,
    lints_live_in_the_workspace,
    versions_live_in_the_workspace,
    a_published_package_is_complete,
    a_published_package_has_its_files,
];

const CORE: &str = "service-core";
const EMULATOR: &str = "service-emulator";

fn breach(package: &Package, line: usize, rule: &'static str, what_to_do: String) -> Breach {
    Breach { path: manifest_path(package), line, rule, what_to_do }
}

fn manifest_path(package: &Package) -> String {
    format!("{}/Cargo.toml", package.dir)
}

fn entries_of(tree: &Tree, package: &Package) -> Vec<Entry> {
    tree.file(&manifest_path(package)).map(|file| manifest::entries(&file.text)).unwrap_or_default()
}

/// A client builds on the core alone, so that each can be used alone. The emulator shares no code with the clients, so
/// that it shares no mistake with them. This program depends on none, so that it builds in seconds, even when they do not.
fn dependencies_point_one_way(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in &tree.packages {
        let ours = package.dependencies.iter().filter(|dep| tree.packages.iter().any(|p| p.name == dep.name));
        for dependency in ours.filter(|dep| !may_depend(package, &dep.name, &dep.kind)) {
            let entries = entries_of(tree, package);
            let is_it = |entry: &&Entry| entry.key.split('.').next() == Some(&dependency.name);
            let line = entries.iter().find(is_it).map_or(1, |entry| entry.line);
            let (name, kind) = (&dependency.name, &dependency.kind);
            let what_to_do =
                format!("take out the {kind} dependency on `{name}`: {} must not know it", package.name);
            breaches.push(breach(package, line, "direction", what_to_do));
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

/// Lints are set once, in the root manifest: a package that does not take them is not checked.
fn lints_live_in_the_workspace(tree: &Tree) -> Vec<Breach> {
    let inherits = |entry: &Entry| match entry.table.as_str() {
        "lints" => entry.key == "workspace" && entry.value == "true",
        _ => entry.table.is_empty() && entry.key == "lints.workspace" && entry.value == "true",
    };
    let without = |package: &&Package| !entries_of(tree, package).iter().any(inherits);
    let told = |package| breach(package, 1, "lints", "add `[lints]` with `workspace = true`".to_owned());
    tree.packages.iter().filter(without).map(told).collect()
}

/// Versions are set once, in the root manifest, so that no two packages ask for different ones.
fn versions_live_in_the_workspace(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in &tree.packages {
        for entry in entries_of(tree, package).iter().filter(|entry| sets_a_version(entry)) {
            let what_to_do =
                format!("`{}`: write `.workspace = true`; the version goes to the root manifest", entry.key);
            breaches.push(breach(package, entry.line, "versions", what_to_do));
        }
    }
    breaches
}

fn sets_a_version(entry: &Entry) -> bool {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut table = entry.table.rsplitn(2, '.');
    let last = table.next().unwrap_or_default();
    if KINDS.contains(&last) {
        let inline = entry.value.replace(' ', "").contains("workspace=true");
        let dotted = entry.key.ends_with(".workspace") && entry.value == "true";
        return !inline && !dotted;
    }
    // `[dependencies.name]`: the keys of one dependency.
    let is_one =
        table.next().and_then(|rest| rest.rsplit('.').next()).is_some_and(|kind| KINDS.contains(&kind));
    is_one && matches!(entry.key.as_str(), "version" | "path" | "git")
}

/// What the registry and docs.rs show of a package; the registry refuses more than five keywords.
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

/// A package is published as its directory alone, and both licences ask that their text goes along.
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

    use super::super::tests::tree_of;
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

    fn told(rule: Rule, tree: &Tree) -> Vec<String> {
        rule(tree)
            .iter()
            .map(|breach| format!("{}:{} {}", breach.path, breach.line, breach.what_to_do))
            .collect()
    }

    /// Which packages a rule about directions names.
    fn against_direction(packages: Vec<Package>) -> Vec<String> {
        let mut tree = tree_of(&[]);
        tree.packages = packages;
        dependencies_point_one_way(&tree).into_iter().map(|breach| breach.path).collect()
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
    fn dependencies_against_the_direction_are_told() {
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
    fn a_package_without_the_lints_of_the_workspace_is_told() {
        let mut tree = tree_of(&[
            ("crates/a/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"),
            ("crates/b/Cargo.toml", "[package]\nname = \"b\"\n\n[lints.clippy]\nall = \"warn\"\n"),
        ]);
        tree.packages = vec![package("a", true, &[]), package("b", true, &[])];
        assert_eq!(told(lints_live_in_the_workspace, &tree).len(), 1);
        assert_eq!(lints_live_in_the_workspace(&tree)[0].path, "crates/b/Cargo.toml");
    }

    #[test]
    fn a_version_outside_the_root_manifest_is_told() {
        let text = "[dependencies]\na.workspace = true\nb = \"1\"\nc = { workspace = true, features = [\n\"x\",\n] }\n\
                    [target.'cfg(unix)'.dev-dependencies]\nd = { version = \"1\" }\n\
                    [dependencies.e]\nworkspace = true\n[dependencies.f]\nversion = \"1\"\n[package]\nversion = \"1\"\n";
        let mut tree = tree_of(&[("crates/a/Cargo.toml", text)]);
        tree.packages = vec![package("a", true, &[])];
        let lines: Vec<_> = versions_live_in_the_workspace(&tree).iter().map(|breach| breach.line).collect();
        assert_eq!(lines, [3, 8, 12]);
    }

    #[test]
    fn every_missing_part_of_a_published_manifest_is_told() {
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
        let told = told(a_published_package_is_complete, &tree);
        assert_eq!(told.iter().filter(|line| line.starts_with("crates/b/")).count(), 1);
        assert_eq!(told.iter().filter(|line| line.starts_with("crates/c/")).count(), 7);
        assert_eq!(told.len(), 8);
    }

    #[test]
    fn a_missing_file_and_a_different_licence_are_told() {
        let mut tree = tree_of(&[
            ("LICENSE-MIT", "mit"),
            ("LICENSE-APACHE", "apache"),
            ("crates/a/LICENSE-MIT", "mit"),
            ("crates/a/LICENSE-APACHE", "other"),
            ("crates/a/README.md", "a"),
        ]);
        tree.packages = vec![package("a", true, &[]), package("b", false, &[])];
        let expected = [
            "crates/a/Cargo.toml:1 make crates/a/LICENSE-APACHE and LICENSE-APACHE the same text",
            "crates/a/Cargo.toml:1 add crates/a/CHANGELOG.md",
        ];
        assert_eq!(told(a_published_package_has_its_files, &tree), expected);
    }
}
