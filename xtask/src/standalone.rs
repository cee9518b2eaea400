//! Packages outside the workspace, written below the target directory and built with the workspace's lock file: hello-world
//! programs of the crates, and the programs of `tests/tls`. Within the workspace, all packages would share their features.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::process;
use crate::workspace::{self, Package};

/// A package on disk.
pub(crate) struct Standalone {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
}

impl Standalone {
    /// Writes a package with these files, by their paths from its directory.
    pub(crate) fn write(name: &str, files: &[(&str, String)]) -> Result<Self> {
        let dir = workspace::target_directory()?.join("xtask").join(name);
        for (path, text) in files {
            let path = dir.join(path);
            let created = path.parent().map_or(Ok(()), fs::create_dir_all);
            created.and_then(|()| fs::write(&path, text)).map_err(Failure::at(path.display()))?;
        }
        // Cargo removes what is not needed from the copy and keeps the remaining versions.
        let lock = process::root().join("Cargo.lock");
        fs::copy(&lock, dir.join("Cargo.lock")).map_err(Failure::at(lock.display()))?;
        Ok(Self { name: name.to_owned(), dir })
    }

    /// Writes a hello-world program with these features of a crate of the workspace.
    pub(crate) fn hello(package: &Package, features: &[&str], default_features: bool) -> Result<Self> {
        let name = [&["hello", &package.name], features].concat().join("-");
        let dir = process::root().join(&package.dir);
        let manifest = manifest(&name, &package.name, &dir, features, default_features);
        Self::write(&name, &[("Cargo.toml", manifest), ("src/main.rs", hello_world(&package.name, &dir))])
    }

    /// Writes a hello-world program with the default features of the crate in a directory. `core`, if given, replaces the
    /// core from the registry with the one in a directory.
    pub(crate) fn hello_packed(package: &str, dir: &Path, core: Option<(&str, &Path)>) -> Result<Self> {
        let name = format!("hello-packed-{package}");
        let mut manifest = manifest(&name, package, dir, &[], true);
        if let Some((core, dir)) = core {
            manifest.push_str(&format!("\n[patch.crates-io]\n{core} = {{ path = {dir:?} }}\n"));
        }
        Self::write(&name, &[("Cargo.toml", manifest), ("src/main.rs", hello_world(package, dir))])
    }

    /// `cargo` in the package's directory.
    pub(crate) fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a &'a str>) -> Command {
        let mut command = process::cargo(args);
        command.current_dir(&self.dir);
        command
    }

    /// Fetches all dependencies, without the network if possible, so that later failures are the program's own.
    pub(crate) fn fetch(&self) -> Result<()> {
        let offline = process::read(self.cargo(&["fetch", "--offline"]));
        offline.or_else(|_| process::read(self.cargo(&["fetch"]))).map(drop)
    }
}

/// The example of the crate in a directory, or a program that only links it.
fn hello_world(package: &str, dir: &Path) -> String {
    let library = package.replace('-', "_");
    let empty = format!("//! Empty.\n\nuse {library} as _;\n\n#[tokio::main]\nasync fn main() {{}}\n");
    fs::read_to_string(dir.join("examples/hello.rs")).unwrap_or(empty)
}

fn manifest(name: &str, package: &str, dir: &Path, features: &[&str], default_features: bool) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         # Not a member of the workspace above, which would unify its features.\n[workspace]\n\n\
         # As in the workspace, so that shared dependencies are built once.\n[profile.dev]\ndebug = \"line-tables-only\"\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n\
         {package} = {{ path = {dir:?}, default-features = {default_features}, features = {features:?} }}\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_its_own_workspace_and_has_the_requested_features() {
        let text = manifest("hello-a", "a", Path::new("/x/a"), &["client"], false);
        assert!(text.contains("\n[workspace]\n"), "{text}");
        let line = "a = { path = \"/x/a\", default-features = false, features = [\"client\"] }";
        assert!(text.contains(line), "{text}");
    }
}
