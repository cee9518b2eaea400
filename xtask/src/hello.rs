//! A hello-world of a client crate: a package outside the workspace, as a user's would be, in the same versions. Apart,
//! since one command measures it and another builds it on packed crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::process;
use crate::workspace::{self, Package};

/// A hello-world on disk.
pub(crate) struct Hello {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// Whether its `main` is the crate's example `hello`, not an empty one.
    pub(crate) is_example: bool,
}

impl Hello {
    /// Writes the package anew, with these features of a crate of the workspace.
    pub(crate) fn write(package: &Package, features: &[&str], default_features: bool) -> Result<Self> {
        let name = [&["hello", &package.name], features].concat().join("-");
        let crate_dir = workspace::root().join(&package.dir);
        let manifest = manifest(&name, &package.name, &crate_dir, features, default_features);
        Self::put(name, &package.name, &crate_dir, &manifest)
    }

    /// Writes the package anew, for the default features of a crate in a directory; `core`, where given, is the directory
    /// of the core that the crate would else have from the registry.
    pub(crate) fn write_outside(
        package: &str,
        crate_dir: &Path,
        core: Option<(&str, &Path)>,
    ) -> Result<Self> {
        let name = format!("hello-packed-{package}");
        let mut manifest = manifest(&name, package, crate_dir, &[], true);
        if let Some((core, dir)) = core {
            manifest.push_str(&format!("\n[patch.crates-io]\n{core} = {{ path = {dir:?} }}\n"));
        }
        Self::put(name, package, crate_dir, &manifest)
    }

    fn put(name: String, package: &str, crate_dir: &Path, manifest: &str) -> Result<Self> {
        let dir = workspace::target_directory()?.join("xtask").join(&name);
        let example = fs::read_to_string(crate_dir.join("examples/hello.rs")).ok();
        let is_example = example.is_some();
        let main = example.unwrap_or_else(|| empty_main(package));
        write(&dir.join("Cargo.toml"), manifest)?;
        write(&dir.join("src/main.rs"), &main)?;
        // Cargo takes out of the copy what is not needed and keeps the rest as it is.
        let lock = fs::read_to_string(workspace::root().join("Cargo.lock"))
            .map_err(|error| failed(Path::new("Cargo.lock"), &error))?;
        write(&dir.join("Cargo.lock"), &lock)?;
        Ok(Self { name, dir, is_example })
    }

    /// `cargo` in its directory.
    pub(crate) fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a &'a str>) -> Command {
        let mut command = process::cargo(args);
        command.current_dir(&self.dir);
        command
    }
}

fn empty_main(package: &str) -> String {
    let name = package.replace('-', "_");
    format!(
        "//! A hello-world.\n\nuse {name} as _;\n\n#[tokio::main]\nasync fn main() {{\n    println!(\"hello, world\");\n}}\n"
    )
}

fn manifest(
    name: &str,
    package: &str,
    crate_dir: &Path,
    features: &[&str],
    default_features: bool,
) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         # Its own: the workspace above must not lend it features.\n[workspace]\n\n\
         # As in the workspace, so that what both build is built once.\n[profile.dev]\ndebug = \"line-tables-only\"\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n\
         {package} = {{ path = {crate_dir:?}, default-features = {default_features}, features = {features:?} }}\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n"
    )
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
    fn the_manifest_stands_alone_and_takes_the_features_that_are_asked_for() {
        let text = manifest("hello-a", "a", Path::new("/x/a"), &["client"], false);
        assert!(text.contains("\n[workspace]\n"), "{text}");
        let line = "a = { path = \"/x/a\", default-features = false, features = [\"client\"] }";
        assert!(text.contains(line), "{text}");
    }
}
