//! `cargo xtask tls`: runs programs that use a client with other cryptography providers than the workspace. They are in
//! `tests/tls`, a package outside the workspace.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::process;
use crate::standalone::Standalone;

pub(crate) const HELP: &str = "\
usage: cargo xtask tls

Builds and runs the programs of tests/tls. Without a TLS provider, `build()` must return an error, and succeed once a provider
is installed. With a second provider in the program, a client must not panic.";

/// The programs; each has a feature of the same name.
const PROGRAMS: [&str; 2] = ["no-provider", "two-providers"];

/// Runs the programs, up to the first that fails.
pub(crate) fn run() -> Result<()> {
    let paths = ["Cargo.toml", "src/lib.rs", "src/bin/no-provider.rs", "src/bin/two-providers.rs"];
    let mut files = paths.iter().map(|path| Ok((*path, read(path)?))).collect::<Result<Vec<_>>>()?;
    files[0].1 = with_absolute_paths(&files[0].1, &process::root());
    // Copied, so that neither its lock file nor its build is among the sources.
    let package = Standalone::write("tls-features", &files)?;
    package.fetch()?;
    PROGRAMS.iter().try_for_each(|program| {
        let args = ["run", "--quiet", "--offline", "--bin", program, "--features", program];
        let mut command = package.cargo(&args);
        command.env("CARGO_TARGET_DIR", package.dir.join("target"));
        process::run(command)
    })
}

fn read(path: &str) -> Result<String> {
    let path = process::root().join("tests/tls").join(path);
    fs::read_to_string(&path).map_err(Failure::at(path.display()))
}

fn with_absolute_paths(manifest: &str, root: &Path) -> String {
    manifest.replace("path = \"../../", &format!("path = \"{}/", root.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_finds_the_crates_and_has_a_feature_for_each_program() {
        let manifest = read("Cargo.toml").unwrap();
        let absolute = with_absolute_paths(&manifest, Path::new("/x"));
        assert!(absolute.contains("path = \"/x/crates/webpubsub\""), "{absolute}");
        assert!(!absolute.contains("../"), "{absolute}");
        for program in PROGRAMS {
            let target = format!("name = \"{program}\"\nrequired-features = [\"{program}\"]");
            assert!(manifest.contains(&target), "{program}");
        }
    }
}
