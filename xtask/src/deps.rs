//! `cargo xtask deps`: what a user of a client crate takes on with it: how many crates, in which versions, under which
//! licences. Counted below a hello-world of its own, since features of the workspace's other packages would add to it.

mod licence;
mod measure;
mod tree;

use std::ffi::OsString;

use crate::failure::{Failure, Result};
use crate::hello::Hello;
use crate::workspace::{self, Package};
use crate::{flags, process};
use tree::Crate;

const HELP: &str = "\
usage: cargo xtask deps [--quick]

For each client crate: writes a hello-world below the target directory and counts its crates (budget: 115 with default
features, 125 with the feature `client`), looks for crates in two versions, for aws-lc without the default provider,
for other packages of this workspace, and for licences that xtask/src/deps/licence.rs does not accept. Then builds each
hello-world in release and tells how long that took and how large it is, for information: minutes each, and no ground to
fail.

  --quick  leave out the builds";

const CORE: &str = "service-core";
const EMULATOR: &str = "service-emulator";

/// Crates below a hello-world, itself included. A budget is a promise about build time and about what a user's
/// security team has to read; raising it is a decision, so it is a number here.
const BUDGET: usize = 115;
/// The WebSocket client adds tungstenite and what it needs.
const BUDGET_WITH_CLIENT: usize = 125;

/// A row of the table: a hello-world and what is wrong with it.
struct Row {
    name: String,
    count: usize,
    budget: Option<usize>,
    complaints: Vec<String>,
}

/// Runs the checks for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let Some([quick]) = flags::switches(args, ["quick"], HELP)? else { return Ok(()) };
    let result = check();
    if !quick {
        for package in clients(&workspace::packages()?) {
            measure::print(&Hello::write(package, &[], true)?);
        }
    }
    result
}

/// Runs the checks alone.
pub(crate) fn check() -> Result<()> {
    let packages = workspace::packages()?;
    let mut rows = Vec::new();
    for package in clients(&packages) {
        rows.push(with_default_features(package)?);
        if package.features.iter().any(|feature| feature == "client") {
            rows.push(with_client(package)?);
        }
        rows.push(without_provider(package)?);
    }
    for package in packages.iter().filter(|package| package.published) {
        rows.push(below(package, &packages)?);
    }
    report(&rows)
}

fn clients(packages: &[Package]) -> impl Iterator<Item = &Package> {
    packages.iter().filter(|package| package.published && package.name != CORE && package.name != EMULATOR)
}

fn with_default_features(package: &Package) -> Result<Row> {
    let crates = tree::of(&Hello::write(package, &[], true)?)?;
    let complaints =
        tree::in_two_versions(&crates).into_iter().map(|name| format!("`{name}` in two versions"));
    Ok(row(package.name.clone(), &crates, Some(BUDGET), complaints.collect()))
}

fn with_client(package: &Package) -> Result<Row> {
    let crates = tree::of(&Hello::write(package, &["client"], true)?)?;
    Ok(row(format!("{} +client", package.name), &crates, Some(BUDGET_WITH_CLIENT), Vec::new()))
}

/// Who brings another provider must not get aws-lc: it needs a C compiler, and two providers in one program are what
/// makes rustls ask which one is meant.
fn without_provider(package: &Package) -> Result<Row> {
    let crates = tree::of(&Hello::write(package, &["rustls-no-provider"], false)?)?;
    let complaints =
        crates.iter().filter(|one| one.name.starts_with("aws-lc")).map(|one| format!("has {}", one.name));
    let complaints = complaints.collect();
    Ok(row(format!("{} -provider", package.name), &crates, None, complaints))
}

/// What a published package itself depends on, with all of its features: nothing of ours but the core, and nothing
/// under a licence that a user could not accept.
fn below(package: &Package, packages: &[Package]) -> Result<Row> {
    let args = ["--package", &package.name, "--all-features"];
    let crates = tree::crates(|offline| process::cargo(tree::ARGS.iter().chain(&args).chain(offline)))?;
    let mut complaints = Vec::new();
    for one in crates.iter().filter(|one| one.name != package.name) {
        if one.name != CORE && packages.iter().any(|ours| ours.name == one.name) {
            complaints.push(format!("depends on {}", one.name));
        }
        complaints.extend(licence::ACCEPTED.complaint(one));
    }
    Ok(row(format!("{} --all-features", package.name), &crates, None, complaints))
}

fn row(name: String, crates: &[Crate], budget: Option<usize>, mut complaints: Vec<String>) -> Row {
    let count = crates.len();
    if let Some(over) = budget.and_then(|budget| count.checked_sub(budget)).filter(|over| *over > 0) {
        complaints.insert(0, format!("{over} over budget"));
    }
    Row { name, count, budget, complaints }
}

fn report(rows: &[Row]) -> Result<()> {
    println!("{:<38} {:>6} {:>6}  verdict", "crate", "count", "budget");
    for Row { name, count, budget, complaints } in rows {
        let budget = budget.map_or("-".to_owned(), |budget| budget.to_string());
        let verdict = if complaints.is_empty() { "ok".to_owned() } else { complaints.join(", ") };
        println!("{name:<38} {count:>6} {budget:>6}  {verdict}");
    }
    match rows.iter().filter(|row| !row.complaints.is_empty()).count() {
        0 => Ok(()),
        bad => Err(Failure::failed(format!(
            "dependencies: {bad} of {} rows are not as they should be",
            rows.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_crates(count: usize) -> Vec<Crate> {
        (0..count).map(|n| Crate { name: format!("c{n}"), ..Crate::default() }).collect()
    }

    #[test]
    fn a_budget_may_be_used_up_and_not_exceeded() {
        let just = row("a".into(), &some_crates(BUDGET), Some(BUDGET), Vec::new());
        assert!(just.complaints.is_empty());
        let over = row("a".into(), &some_crates(BUDGET + 2), Some(BUDGET), Vec::new());
        assert_eq!(over.complaints, ["2 over budget"]);
    }

    #[test]
    fn one_complaint_fails_the_whole_check() {
        let fine = || row("a".into(), &[], None, Vec::new());
        assert!(report(&[fine(), fine()]).is_ok());
        assert!(report(&[fine(), row("b".into(), &[], None, vec!["has aws-lc-rs".into()])]).is_err());
    }

    #[test]
    fn the_core_and_the_emulator_are_no_clients() {
        let named = |name: &str, published| Package { name: name.into(), published, ..Package::default() };
        let packages =
            [named(CORE, true), named(EMULATOR, true), named("webpubsub", true), named("xtask", false)];
        let names: Vec<_> = clients(&packages).map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["webpubsub"]);
    }
}
