//! `cargo xtask release`: checks a crate's next version and, with `--execute`, releases it. Everything that can fail because
//! of the code (tests, packaging) runs before the first change; each later failure says how to continue.

mod plan;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::{process, stopwatch, workspace};
use plan::Plan;

pub(crate) const HELP: &str = "\
usage: cargo xtask release CRATE LEVEL [--execute]

Checks whether a published crate can be released and prints every step. Changes nothing without --execute.

  1 checks   nothing uncommitted; CHANGELOG.md has entries under Unreleased; the workspace crates that it depends on are
             released, and those that its users build are unchanged since
  2 tests    `cargo test` of the crate with all features
  3 package  `cargo package`: builds the crate from its package, against the packages of the crates that it depends on
  4 edits    its version, the version in [workspace.dependencies], Cargo.lock, the date in CHANGELOG.md (UTC)
  5 commit and tag, such as `webpubsub-v0.1.1`
  6 publish  `cargo publish`; pushing the commit and the tag is left to you

A failure up to step 4 leaves the files unchanged. Later failures print the commands that remain.

  LEVEL      patch, minor, or major; or first, which releases the version in the manifest
  --execute  perform steps 4 to 6";

/// Releases a crate as the command line requests.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let release = Release { root: process::root(), today: stopwatch::today(), slow: &process::run };
    release.run(args)
}

/// A release in a workspace, with the parts that tests replace.
struct Release<'a> {
    root: PathBuf,
    today: String,
    /// Runs commands that take minutes or reach the registry.
    slow: &'a dyn Fn(Command) -> Result<()>,
}

impl Release<'_> {
    fn run(&self, args: Vec<OsString>) -> Result<()> {
        let (mut words, mut execute) = (Vec::new(), false);
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Value(word) => words.push(word.string()?),
                Long("execute") => execute = true,
                other => return Err(other.unexpected().into()),
            }
        }
        let [name, level] = words.as_slice() else {
            return Err(Failure::usage("missing crate or level: cargo xtask release webpubsub patch"));
        };
        let plan = Plan::new(&workspace::packages_of(&self.root)?, name, level)?;
        println!("{name} {} -> {}", plan.package.version(), plan.new);
        self.verify(&plan)?;
        step("edits");
        let edits = plan.edits(&self.root, &self.today)?;
        edits.iter().for_each(|(path, _)| println!("{path}"));
        let Plan { tag, .. } = &plan;
        let message = format!("Release {name} {}", plan.new);
        let rest = format!(
            "git tag --annotate {tag} --message \"{message}\"\n  cargo publish --package {name}\n  \
             git push origin HEAD {tag}"
        );
        if !execute {
            println!("\nNothing was changed. With --execute, the next steps are:");
            println!("  git commit --message \"{message}\"\n  {rest}");
            return Ok(());
        }
        self.write_and_commit(&edits, &message)?;
        step("tag and publish");
        let tagged = process::run(self.git(&["tag", "--annotate", tag, "--message", &message]));
        let published = tagged.and_then(|()| (self.slow)(self.cargo(&["publish", "--package", name])));
        published.map_err(|failure| {
            Failure::failed(format!(
                "{failure}\n{tag} is committed but not published. When the cause is fixed, run what remains of:\n  {rest}\n\
                 Or undo the release, unless the registry has it:\n  git tag --delete {tag}\n  git reset --keep HEAD~1"
            ))
        })?;
        println!("\n{tag} is published. Now run:\n  git push origin HEAD {tag}");
        Ok(())
    }

    /// Runs everything that can fail because of the code, before anything is changed.
    fn verify(&self, plan: &Plan) -> Result<()> {
        step("checks");
        self.check(plan)?;
        step("tests");
        (self.slow)(self.cargo(&["test", "--package", &plan.package.name, "--all-features"]))?;
        step("package");
        // With the crates that it depends on, which cargo provides as a temporary registry.
        let mut package = self.cargo(&["package", "--package", &plan.package.name]);
        for (dependency, _) in &plan.dependencies {
            package.args(["--package", &dependency.name]);
        }
        (self.slow)(package)
    }

    /// Fails with all reasons against the release, not with the first one.
    fn check(&self, plan: &Plan) -> Result<()> {
        let mut reasons = Vec::new();
        let uncommitted = process::read(self.git(&["status", "--porcelain"]))?;
        if !uncommitted.is_empty() {
            reasons.push(format!("there are uncommitted changes:\n{}", uncommitted.trim_end()));
        }
        if self.has_tag(&plan.tag)? {
            reasons.push(format!("the tag {} exists already", plan.tag));
        }
        if !plan.has_changelog_entries(&self.root)? {
            reasons.push(format!("{}/CHANGELOG.md has no entry under Unreleased", plan.package.dir));
        }
        for (dependency, is_built_by_users) in &plan.dependencies {
            let (name, tag) = (&dependency.name, plan::tag(&dependency.name, dependency.version()));
            if !self.has_tag(&tag)? {
                reasons.push(format!("{name} is not released (no tag {tag}): release it first"));
            } else if *is_built_by_users {
                // The registry would build the crate with what was released, not with what is here.
                let built = ["src", "Cargo.toml"].map(|path| format!("{}/{path}", dependency.dir));
                let diff = self.git(&["diff", "--name-only", &tag, "HEAD", "--", &built[0], &built[1]]);
                if let Some(file) = process::read(diff)?.lines().next() {
                    reasons
                        .push(format!("{name} has changed since {tag} (such as {file}): release it first"));
                }
            }
        }
        Failure::all(&format!("{} cannot be released:\n", plan.tag), &reasons)
    }

    /// Changes the files and commits them; restores them on failure. Nothing was uncommitted before.
    fn write_and_commit(&self, edits: &[(String, String)], message: &str) -> Result<()> {
        let write = |(path, text): &(String, String)| {
            std::fs::write(self.root.join(path), text).map_err(Failure::at(path))
        };
        let written = edits
            .iter()
            .try_for_each(write)
            // The lock file contains the versions of the workspace's own packages; nothing else in it changes.
            .and_then(|()| process::run(self.cargo(&["update", "--workspace", "--offline", "--quiet"])))
            .and_then(|()| process::run(self.git(&["commit", "--quiet", "--all", "--message", message])));
        written.map_err(|failure| {
            let restored = process::read(self.git(&["checkout", "--quiet", "HEAD", "--", "."]));
            let files =
                restored.map_or("to restore the files: git checkout -- .", |_| "the files are restored");
            Failure::failed(format!("{failure}\n{files}"))
        })
    }

    fn has_tag(&self, tag: &str) -> Result<bool> {
        Ok(!process::read(self.git(&["tag", "--list", tag]))?.trim().is_empty())
    }

    fn git(&self, args: &[&str]) -> Command {
        process::program("git", args, &self.root)
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = process::cargo(args);
        command.current_dir(&self.root);
        command
    }
}

fn step(name: &str) {
    println!("\n== {name}");
}
