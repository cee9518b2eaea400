//! `cargo xtask lint`: what the compiler and its tools can check, with warnings as errors, and that the packages build
//! with fewer features than all.

use std::ffi::OsString;

use crate::failure::{Failure, Result};
use crate::workspace::{self, Package};
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask lint

Checks the format, runs clippy over all targets with all features, builds the documentation, and runs clippy over each
published package with small sets of features: each TLS feature, and each further feature by itself. Every warning is an
error. Without any feature a package has to say which it needs.";

/// The features that choose TLS: a client takes one of them.
const TLS: [&str; 2] = ["rustls", "rustls-no-provider"];

/// Runs all of the checks, up to the first that fails.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match flags::switches(args, [], HELP)? {
        Some([]) => check(),
        None => Ok(()),
    }
}

/// The checks without a command line.
pub(crate) fn check() -> Result<()> {
    let packages = workspace::packages()?;
    process::run(process::cargo(["fmt", "--all", "--check"]))?;
    process::run(process::cargo(
        ["clippy", "--workspace", "--all-targets", "--all-features", "--"]
            .into_iter()
            .chain(["-D", "warnings"]),
    ))?;
    let mut doc = process::cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    process::run(doc)?;
    for package in packages.iter().filter(|package| package.published) {
        asks_for_features(package)?;
        for features in feature_sets(package) {
            // Clippy and not `check`: it denies warnings of this package alone, so that nothing else is built again.
            let mut command = process::cargo(["clippy", "--package", &package.name, "--no-default-features"]);
            command.args(["--features", &features, "--", "-D", "warnings"]);
            process::run(command)?;
        }
    }
    Ok(())
}

/// What a package says when it is built with none of the features that it cannot do without: a user who left out the
/// default features has to learn from it what to add.
fn asks_for_features(package: &Package) -> Result<()> {
    let args = ["check", "--quiet", "--package", &package.name, "--no-default-features"];
    let told = match process::read(process::cargo(args)) {
        Ok(_) => "it builds".to_owned(),
        Err(failure) if failure.text().contains("one of the features ") => return Ok(()),
        Err(failure) => failure.text().to_owned(),
    };
    Err(Failure::failed(format!("{} without features does not ask for one: {told}", package.name)))
}

/// The sets that are checked beside "all", which has both TLS features: each of those alone, and each further feature
/// on top of the TLS without a provider, or alone where a package has no such choice. All combinations would take longer
/// than anyone waits.
fn feature_sets(package: &Package) -> Vec<String> {
    let further = package.features.iter().filter(|name| *name != "default" && !TLS.contains(&name.as_str()));
    if package.features.iter().any(|name| name == TLS[1]) {
        let with_tls = |name: &String| format!("{},{name}", TLS[1]);
        return TLS.map(str::to_owned).into_iter().chain(further.map(with_tls)).collect();
    }
    further.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets_of(features: &[&str]) -> Vec<String> {
        let features = features.iter().map(|name| (*name).to_owned()).collect();
        feature_sets(&Package { features, ..Package::default() })
    }

    #[test]
    fn a_client_is_checked_with_either_tls_and_each_further_feature() {
        let sets = sets_of(&["client", "default", "rustls", "rustls-no-provider"]);
        assert_eq!(sets, ["rustls", "rustls-no-provider", "rustls-no-provider,client"]);
    }

    #[test]
    fn a_package_without_tls_is_checked_with_each_feature_alone() {
        assert_eq!(sets_of(&["default", "eventgrid", "hulft"]), ["eventgrid", "hulft"]);
    }
}
