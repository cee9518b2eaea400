//! `cargo xtask lint`: everything that the compiler and its tools can check, with warnings as errors, including builds with
//! fewer features.

use crate::failure::{Failure, Result};
use crate::process;
use crate::workspace::{self, Package};

pub(crate) const HELP: &str = "\
usage: cargo xtask lint

Checks the format, runs clippy on all targets with all features, builds the documentation, and runs clippy on each published
package with small feature sets: each TLS feature, and each other feature on its own. Every warning is an error. Without any
feature, the error of a package must name the features that it needs.";

/// The TLS features: a client needs one of them.
const TLS: [&str; 2] = ["rustls", "rustls-no-provider"];

/// Runs all checks, up to the first that fails.
pub(crate) fn run() -> Result<()> {
    process::run(process::cargo(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    process::run(process::cargo(clippy))?;
    let mut doc = process::cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    process::run(doc)?;
    for package in &workspace::published()? {
        asks_for_features(package)?;
        for features in feature_sets(package) {
            // Clippy and not `check`: it denies warnings of this package alone, so that nothing else is rebuilt.
            let mut command = process::cargo(["clippy", "--package", &package.name, "--no-default-features"]);
            command.args(["--features", &features, "--", "-D", "warnings"]);
            process::run(command)?;
        }
    }
    Ok(())
}

/// Checks the error of a package that is built without the features that it needs: a user without the default features
/// must learn from it which to add.
fn asks_for_features(package: &Package) -> Result<()> {
    let args = ["check", "--quiet", "--package", &package.name, "--no-default-features"];
    let outcome = match process::read(process::cargo(args)) {
        Ok(_) => "it builds".to_owned(),
        Err(failure) if failure.text().contains("one of the features ") => return Ok(()),
        Err(failure) => failure.to_string(),
    };
    let what = format!("{} without features does not name the missing feature", package.name);
    Err(Failure::at(what)(outcome))
}

/// The sets that are checked in addition to "all", which contains both TLS features: each of those alone, and each other
/// feature together with TLS without a provider, or alone if the package has no TLS features. All combinations would take too
/// long.
fn feature_sets(package: &Package) -> Vec<String> {
    let further = package.features.iter().filter(|name| *name != "default" && !TLS.contains(&name.as_str()));
    if package.has_feature(TLS[1]) {
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
