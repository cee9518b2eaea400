//! `cargo xtask tls`: programs that use a client with other cryptography providers than the workspace is built with. They
//! are in `tests/tls`, a package outside the workspace, since within it all packages would share their features.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{flags, process, workspace};

const HELP: &str = "\
usage: cargo xtask tls

Builds and runs the programs of tests/tls: a client without a TLS provider must be an error of `build()` and work once
one is installed; a client beside a second provider must not panic.";

/// The programs; each has a feature of its name.
const PROGRAMS: [&str; 2] = ["no-provider", "two-providers"];

/// Runs the check for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match flags::switches(args, [], HELP)? {
        Some([]) => check(),
        None => Ok(()),
    }
}

/// Runs all programs, up to the first that fails.
pub(crate) fn check() -> Result<()> {
    let package = Copied::write()?;
    package.fetch()?;
    PROGRAMS.iter().try_for_each(|program| package.run(program))
}

/// The package below the target directory, so that neither its lock file nor its build lies among the sources.
struct Copied {
    dir: PathBuf,
}

impl Copied {
    fn write() -> Result<Self> {
        let (root, dir) = (workspace::root(), workspace::target_directory()?.join("xtask/tls-features"));
        let source = root.join("tests/tls");
        write(&dir.join("Cargo.toml"), &anchored(&read(&source.join("Cargo.toml"))?, &root))?;
        // The versions are the workspace's; cargo takes out of the copy what is not needed.
        write(&dir.join("Cargo.lock"), &read(&root.join("Cargo.lock"))?)?;
        write(&dir.join("src/lib.rs"), &read(&source.join("src/lib.rs"))?)?;
        for program in PROGRAMS {
            let path = Path::new("src/bin").join(program).with_extension("rs");
            write(&dir.join(&path), &read(&source.join(&path))?)?;
        }
        Ok(Self { dir })
    }

    /// Has all sources at hand: without the network where that is possible, so that a failure to run is the program's own.
    fn fetch(&self) -> Result<()> {
        process::read(self.cargo(&["fetch", "--offline"]))
            .or_else(|_| process::read(self.cargo(&["fetch"])))
            .map(drop)
    }

    fn run(&self, program: &str) -> Result<()> {
        process::run(self.cargo(&["run", "--quiet", "--offline", "--bin", program, "--features", program]))
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = process::cargo(args);
        command.current_dir(&self.dir).env("CARGO_TARGET_DIR", self.dir.join("target"));
        command
    }
}

/// The manifest with the paths of its dependencies absolute, so that it means the same in another place.
fn anchored(manifest: &str, root: &Path) -> String {
    manifest.replace("path = \"../../", &format!("path = \"{}/", root.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| failed(path, &error))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_finds_the_crates_and_has_every_program_with_its_feature() {
        let manifest = read(&workspace::root().join("tests/tls/Cargo.toml")).unwrap();
        let anchored = anchored(&manifest, Path::new("/x"));
        assert!(
            anchored.contains("path = \"/x/crates/webpubsub\"") && !anchored.contains("../"),
            "{anchored}"
        );
        for program in PROGRAMS {
            let target = format!("name = \"{program}\"\nrequired-features = [\"{program}\"]");
            assert!(manifest.contains(&target), "{program}");
        }
    }
}
