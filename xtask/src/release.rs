//! `cargo xtask release`: one crate's next version, checked and, when told to, made. All that can fail for reasons of the
//! code (tests, packaging) comes before the first change, and each later failure says what is left to do.

mod changelog;
mod date;
mod edits;
mod git;
mod plan;
#[cfg(test)]
mod tests;
mod version;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{process, workspace};
use git::Git;
use plan::Plan;
use version::Level;

const HELP: &str = "\
usage: cargo xtask release CRATE LEVEL [--execute]

Checks that a published crate can be released and prints every step; changes nothing without --execute.

  1 checks   nothing uncommitted; CHANGELOG.md has entries under Unreleased; the crates of this workspace that it depends
             on are released, the one it builds on without changes since
  2 tests    `cargo test` of the crate with all features
  3 package  `cargo package`: the crate is built from its package against the packages of the crates that it depends on
  4 edits    its version, the version that the other crates ask for, Cargo.lock, the date in CHANGELOG.md (UTC)
  5 commit and tag, as `webpubsub-v0.1.1`
  6 publish  `cargo publish`; pushing the commit and the tag is left to you

A failure up to step 4 leaves the files as they were. After the tag, the same command again does step 6 alone.

  LEVEL      patch, minor or major; or first, which takes the version of the manifest and is refused once it has a tag
  --execute  do steps 4 to 6";

/// What the command line asks for.
#[derive(Debug)]
struct Order {
    package: String,
    level: Level,
    execute: bool,
}

/// Releases a crate as a command line asks.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let Some(order) = parse(args)? else {
        println!("{HELP}");
        return Ok(());
    };
    let release = Release { root: workspace::root(), today: date::today()?, heavy: &process::run };
    release.carry_out(&order)
}

/// `None` when the help page was asked for.
fn parse(args: Vec<OsString>) -> Result<Option<Order>> {
    let (mut words, mut execute) = (Vec::new(), false);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            lexopt::Arg::Value(word) => words.push(word),
            lexopt::Arg::Long("execute") => execute = true,
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    let [package, level] = words.as_slice() else {
        return Err(Failure::usage("a crate and a level are needed: cargo xtask release webpubsub patch"));
    };
    let package = package.to_string_lossy().into_owned();
    Ok(Some(Order { package, level: Level::parse(level)?, execute }))
}

/// A release in a workspace, with what a test replaces.
struct Release<'a> {
    root: PathBuf,
    today: String,
    /// Runs what takes minutes or reaches the registry.
    heavy: &'a dyn Fn(Command) -> Result<()>,
}

impl Release<'_> {
    fn carry_out(&self, order: &Order) -> Result<()> {
        let packages = workspace::packages_of(&self.root)?;
        let name = &order.package;
        let package = plan::published(&packages, name)?;
        if let Some(tag) = plan::only_unpublished(&self.root, package)? {
            println!("the last commit is {tag}: only publishing is left");
            return if order.execute { self.publish(name, &tag) } else { dry_end(&[publish_line(name)]) };
        }
        let plan = Plan::new(&packages, package, order.level)?;
        println!("{name} {} -> {}", plan.old, plan.new);
        self.verify(&plan)?;
        step("edits");
        let edits = plan.edits(&self.root, &self.today)?;
        edits.lines().iter().chain(&plan.dependants).for_each(|line| println!("{line}"));
        let message = format!("Release {name} {}", plan.new);
        if !order.execute {
            let commit = format!("git commit -m \"{message}\"");
            return dry_end(&[commit, format!("git tag {}", plan.tag), publish_line(name)]);
        }
        self.write_and_commit(&edits, &message)?;
        step("tag");
        Git(&self.root).tag(&plan.tag, &message).map_err(|failure| untagged(&plan, &failure))?;
        self.publish(name, &plan.tag)
    }

    /// What can fail for reasons of the code, before anything is changed.
    fn verify(&self, plan: &Plan) -> Result<()> {
        step("checks");
        plan.check(&self.root)?;
        step("tests");
        (self.heavy)(self.cargo(&["test", "--package", &plan.name, "--all-features"]))?;
        step("package");
        (self.heavy)(self.package(plan))
    }

    /// Changes the files and commits them; a failure puts them back.
    fn write_and_commit(&self, edits: &edits::Edits, message: &str) -> Result<()> {
        let written = edits
            .write()
            // The lock file names the versions of the workspace's own packages; nothing else in it changes.
            .and_then(|()| process::run(self.cargo(&["update", "--workspace", "--offline", "--quiet"])))
            .and_then(|()| Git(&self.root).commit(message, &edits.paths()));
        written.map_err(|failure| match edits.put_back() {
            Ok(()) => Failure::failed(format!("{}\nthe files are as they were", failure.text())),
            Err(second) => Failure::failed(format!(
                "{}\nthe files could not be put back ({}): `git checkout -- .` does",
                failure.text(),
                second.text()
            )),
        })
    }

    fn publish(&self, name: &str, tag: &str) -> Result<()> {
        step("publish");
        (self.heavy)(self.cargo(&["publish", "--package", name])).map_err(|failure| {
            Failure::failed(format!(
                "{}\n{tag} is committed and tagged here, neither published nor pushed. When the reason is gone, the same \
                 command publishes it.\nTo take the release back instead, as long as the registry does not have it:\n  \
                 git tag --delete {tag}\n  git reset --keep HEAD~1",
                failure.text()
            ))
        })?;
        println!("\n{tag} is published. What is left:\n  git push origin HEAD {tag}");
        Ok(())
    }

    /// Builds the package of the crate against those of the crates that it depends on, which cargo lays out as a
    /// registry of their own for this.
    fn package(&self, plan: &Plan) -> Command {
        let mut command = self.cargo(&["package", "--package", &plan.name]);
        for dependency in &plan.depends_on {
            command.args(["--package", &dependency.name]);
        }
        command
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

fn publish_line(name: &str) -> String {
    format!("cargo publish --package {name}")
}

/// The end of a run that changes nothing: what another would do.
fn dry_end(rest: &[String]) -> Result<()> {
    println!("\nNothing was changed. With --execute this would go on with:");
    rest.iter().for_each(|line| println!("  {line}"));
    Ok(())
}

fn untagged(plan: &Plan, failure: &Failure) -> Failure {
    let Plan { tag, .. } = plan;
    Failure::failed(format!(
        "{}\nthe release is committed here without its tag. When the reason is gone:\n  git tag --annotate {tag}\n\
         and the same command again, which then publishes",
        failure.text()
    ))
}

/// The path of a file of a package, from the root.
fn file_of(dir: &str, name: &str) -> String {
    Path::new(dir).join(name).to_string_lossy().replace('\\', "/")
}
