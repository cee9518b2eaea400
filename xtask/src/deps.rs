//! `cargo xtask deps`: the dependencies of a client crate as its users get them: their number, versions, and licenses.
//! Counted for a standalone hello-world program, because the workspace's other packages would add features.

mod license;
mod tree;

use std::ffi::OsString;
use std::fs;
use std::process::Stdio;

use crate::failure::{Failure, Result};
use crate::standalone::Standalone;
use crate::stopwatch::Stopwatch;
use crate::workspace::{self, CORE, EMULATOR, Package};
use crate::{flags, process};
use tree::Crate;

pub(crate) const HELP: &str = "\
usage: cargo xtask deps [--quick]

For each client crate: writes a hello-world program below the target directory and counts its crates (limit: 115 with default
features, 125 with the feature `client`). Fails on crates in two versions, on aws-lc without the default provider, on other
packages of this workspace, and on licenses that xtask/src/deps/license.rs does not accept. Then builds each program in release
and prints its build time and size, for information only; this takes minutes for each.

  --quick  leave out the builds";

/// The maximum number of crates in a hello-world program, including itself. It limits build time and what a user's
/// security team has to review. Raising it is a decision, so it is a constant.
const MAX_CRATES: usize = 115;
/// The WebSocket client adds tungstenite and its dependencies.
const MAX_CRATES_WITH_CLIENT: usize = 125;

/// A row of the table: a program and its problems.
struct Row {
    name: String,
    count: usize,
    max: Option<usize>,
    problems: Vec<String>,
}

/// Runs the checks, and then the builds.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let [quick] = flags::switches(args, ["quick"])?;
    let packages = workspace::packages()?;
    let result = rows(&packages).and_then(|rows| report(&rows));
    if !quick {
        for package in clients(&packages) {
            let hello = Standalone::hello(package, &[], true)?;
            match build(&hello) {
                Ok((took, size)) => println!("{}: {took}, {size} KiB stripped", hello.name),
                Err(failure) => println!("{}: not built: {failure}", hello.name),
            }
        }
    }
    result
}

fn rows(packages: &[Package]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for package in clients(packages) {
        let name = &package.name;
        let hello = |features: &[&str], default| tree::of(&Standalone::hello(package, features, default)?);
        let crates = hello(&[], true)?;
        let twice =
            tree::in_two_versions(&crates).into_iter().map(|name| format!("`{name}` in two versions"));
        rows.push(row(name.clone(), &crates, Some(MAX_CRATES), twice.collect()));
        if package.has_feature("client") {
            let (crates, max) = (hello(&["client"], true)?, Some(MAX_CRATES_WITH_CLIENT));
            rows.push(row(format!("{name} +client"), &crates, max, Vec::new()));
        }
        // A user with another provider must not get aws-lc: it needs a C compiler, and with two providers in one program
        // rustls cannot choose one.
        let crates = hello(&["rustls-no-provider"], false)?;
        let aws_lc = crates.iter().map(|one| &one.name).filter(|name| name.starts_with("aws-lc"));
        let problems = aws_lc.map(|name| format!("has {name}")).collect();
        rows.push(row(format!("{name} -provider"), &crates, None, problems));
    }
    for package in packages.iter().filter(|package| package.published) {
        rows.push(below(package, packages)?);
    }
    Ok(rows)
}

fn clients(packages: &[Package]) -> impl Iterator<Item = &Package> {
    packages.iter().filter(|package| package.published && package.name != CORE && package.name != EMULATOR)
}

/// Builds a program in release from scratch and returns the time and its size in KiB: for information, since both depend on
/// the machine.
fn build(hello: &Standalone) -> Result<(String, u64)> {
    let target = hello.dir.join("target");
    // Missing before the first build. If it cannot be removed, the time is that of a partial build.
    let _ = fs::remove_dir_all(&target);
    let mut command = hello.cargo(&["build", "--release", "--quiet", "--target-dir"]);
    command.arg(&target).stdin(Stdio::null());
    let watch = Stopwatch::start();
    process::run(command)?;
    let took = watch.read();
    let program = target.join("release").join(format!("{}{}", hello.name, std::env::consts::EXE_SUFFIX));
    Ok((took, fs::metadata(&program).map_err(Failure::at(program.display()))?.len().div_ceil(1024)))
}

/// Checks the dependencies of a published package with all features: no other package of this workspace except the core,
/// and only accepted licenses.
fn below(package: &Package, packages: &[Package]) -> Result<Row> {
    let args = ["--package", &package.name, "--all-features"];
    let crates = tree::crates(|offline| process::cargo(tree::ARGS.iter().chain(&args).chain(offline)))?;
    let mut problems = Vec::new();
    for one in crates.iter().filter(|one| one.name != package.name) {
        if one.name != CORE && packages.iter().any(|ours| ours.name == one.name) {
            problems.push(format!("depends on {}", one.name));
        }
        if !license::is_accepted(&one.license) {
            problems.push(format!("`{}` has the license `{}`", one.name, one.license));
        }
    }
    Ok(row(format!("{} --all-features", package.name), &crates, None, problems))
}

fn row(name: String, crates: &[Crate], max: Option<usize>, mut problems: Vec<String>) -> Row {
    let count = crates.len();
    if let Some(over) = max.and_then(|max| count.checked_sub(max)).filter(|over| *over > 0) {
        problems.insert(0, format!("{over} over the limit"));
    }
    Row { name, count, max, problems }
}

fn report(rows: &[Row]) -> Result<()> {
    println!("{:<38} {:>6} {:>6}  result", "crate", "count", "limit");
    for Row { name, count, max, problems } in rows {
        let max = max.map_or("-".to_owned(), |max| max.to_string());
        let result = if problems.is_empty() { "ok".to_owned() } else { problems.join(", ") };
        println!("{name:<38} {count:>6} {max:>6}  {result}");
    }
    match rows.iter().filter(|row| !row.problems.is_empty()).count() {
        0 => Ok(()),
        bad => Err(Failure::failed(format!("dependencies: {bad} of {} rows have problems", rows.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_crates(count: usize) -> Vec<Crate> {
        (0..count).map(|n| Crate { name: format!("c{n}"), ..Crate::default() }).collect()
    }

    #[test]
    fn a_limit_may_be_reached_and_not_exceeded() {
        let just = row("a".into(), &some_crates(MAX_CRATES), Some(MAX_CRATES), Vec::new());
        assert!(just.problems.is_empty());
        let over = row("a".into(), &some_crates(MAX_CRATES + 2), Some(MAX_CRATES), Vec::new());
        assert_eq!(over.problems, ["2 over the limit"]);
    }

    #[test]
    fn one_problem_fails_the_whole_check() {
        let fine = || row("a".into(), &[], None, Vec::new());
        assert!(report(&[fine(), fine()]).is_ok());
        assert!(report(&[fine(), row("b".into(), &[], None, vec!["has aws-lc-rs".into()])]).is_err());
    }

    #[test]
    fn the_core_and_the_emulator_are_not_clients() {
        let named = |name: &str, published| Package { name: name.into(), published, ..Package::default() };
        let packages =
            [named(CORE, true), named(EMULATOR, true), named("webpubsub", true), named("xtask", false)];
        let names: Vec<_> = clients(&packages).map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["webpubsub"]);
    }
}
