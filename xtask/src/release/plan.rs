//! What a release consists of, and whether the workspace is ready for it.

use std::path::Path;

use super::edits::{self, Edits};
use super::git::Git;
use super::version::Level;
use super::{changelog, file_of};
use crate::failure::{Failure, Result};
use crate::workspace::Package;

/// A release that is about to be made.
pub(super) struct Plan {
    pub(super) name: String,
    dir: String,
    pub(super) old: String,
    pub(super) new: String,
    pub(super) tag: String,
    /// The crates of this workspace that it depends on, for tests too.
    pub(super) depends_on: Vec<DependsOn>,
    /// A line for each crate that will ask for the new version.
    pub(super) dependants: Vec<String>,
}

/// A crate of this workspace that another depends on.
pub(super) struct DependsOn {
    pub(super) name: String,
    dir: String,
    tag: String,
    /// Whether users of the other get it too.
    is_built_on: bool,
}

/// The package of a name, as long as it goes to the registry.
pub(super) fn published<'a>(packages: &'a [Package], name: &str) -> Result<&'a Package> {
    let published: Vec<&Package> = packages.iter().filter(|package| package.published).collect();
    published.iter().find(|package| package.name == name).copied().ok_or_else(|| {
        let names: Vec<_> = published.iter().map(|package| package.name.as_str()).collect();
        Failure::usage(format!("no published crate `{name}`; there are: {}", names.join(", ")))
    })
}

/// The tag of a release that was broken off after it: on the last commit, with nothing for another release.
pub(super) fn only_unpublished(root: &Path, package: &Package) -> Result<Option<String>> {
    let tag = tag(&package.name, version(package));
    let text = Edits::new(root).keep(&file_of(&package.dir, "CHANGELOG.md"))?;
    Ok((Git(root).is_at(&tag)? && !changelog::has_entries(&text)).then_some(tag))
}

fn version(package: &Package) -> &str {
    package.metadata["version"].as_str().unwrap_or_default()
}

fn tag(name: &str, version: &str) -> String {
    format!("{name}-v{version}")
}

impl Plan {
    pub(super) fn new(packages: &[Package], package: &Package, level: Level) -> Result<Self> {
        let (name, old) = (&package.name, version(package));
        let new = level.after(old)?;
        Ok(Self {
            name: name.clone(),
            dir: package.dir.clone(),
            tag: tag(name, &new),
            depends_on: depends_on(packages, package),
            dependants: dependants(packages, name, old, &new),
            old: old.to_owned(),
            new,
        })
    }

    /// Fails with everything that stands against the release, not with the first of it.
    pub(super) fn check(&self, root: &Path) -> Result<()> {
        let git = Git(root);
        let mut against = Vec::new();
        let uncommitted = git.uncommitted()?;
        if !uncommitted.is_empty() {
            against.push(format!("there is something uncommitted:\n{}", uncommitted.trim_end()));
        }
        if git.has_tag(&self.tag)? {
            against.push(format!("there is a tag {} already", self.tag));
        }
        let mut reader = Edits::new(root);
        let changelog = self.changelog();
        if !changelog::has_entries(&reader.keep(&changelog)?) {
            against.push(format!("{changelog} has no entry under Unreleased"));
        }
        for dependency in &self.depends_on {
            against.extend(dependency.complaint(&git)?);
        }
        if against.is_empty() {
            println!("ready: committed, {changelog} has entries, {} is free", self.tag);
            return Ok(());
        }
        Err(Failure::failed(format!("{} cannot be released:\n- {}", self.tag, against.join("\n- "))))
    }

    /// The changes of the release, planned and not yet written.
    pub(super) fn edits(&self, root: &Path, today: &str) -> Result<Edits> {
        let mut edits = Edits::new(root);
        edits.change(&self.changelog(), |text| Ok(changelog::dated(text, &self.new, today)))?;
        let version = |text: &str| edits::with_value(text, &["package", "version"], &self.new);
        edits.change(&file_of(&self.dir, "Cargo.toml"), version)?;
        // Changed even where only unpublished packages ask for it: a path that does not meet its version is an error.
        let keys = ["workspace", "dependencies", &self.name, "version"];
        edits.change("Cargo.toml", |text| edits::with_value(text, &keys, &self.new))?;
        edits.keep("Cargo.lock")?;
        Ok(edits)
    }

    fn changelog(&self) -> String {
        file_of(&self.dir, "CHANGELOG.md")
    }
}

impl DependsOn {
    /// What keeps another crate from being released on top of this one: the registry would build it with what was
    /// released, not with what lies here.
    fn complaint(&self, git: &Git<'_>) -> Result<Option<String>> {
        let Self { name, dir, tag, is_built_on } = self;
        if !git.has_tag(tag)? {
            return Ok(Some(format!("{name} is not released ({tag} is no tag): release it first")));
        }
        if !is_built_on {
            return Ok(None);
        }
        let changed = git.changed_since(tag, &[file_of(dir, "src"), file_of(dir, "Cargo.toml")])?;
        Ok(changed.first().map(|file| {
            format!(
                "{name} has changed since {tag} ({file} and {} more): release it first",
                changed.len() - 1
            )
        }))
    }
}

fn depends_on(packages: &[Package], package: &Package) -> Vec<DependsOn> {
    let ours = packages.iter().filter(|ours| ours.published && ours.name != package.name);
    let found = ours.filter_map(|ours| {
        let kinds: Vec<&str> = package
            .dependencies
            .iter()
            .filter(|one| one.name == ours.name)
            .map(|one| one.kind.as_str())
            .collect();
        (!kinds.is_empty()).then(|| DependsOn {
            name: ours.name.clone(),
            dir: ours.dir.clone(),
            tag: tag(&ours.name, version(ours)),
            is_built_on: kinds.iter().any(|kind| *kind != "dev"),
        })
    });
    found.collect()
}

fn dependants(packages: &[Package], name: &str, old: &str, new: &str) -> Vec<String> {
    let depends = |package: &&Package| package.dependencies.iter().any(|one| one.name == name);
    let published = packages.iter().filter(|package| package.published);
    let line = |package: &Package| format!("{} will ask for {name} {new}, not {old}", package.name);
    if old == new { Vec::new() } else { published.filter(depends).map(line).collect() }
}
