//! `cargo xtask package`: packages the published crates as for the registry and builds a first program on each.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::process;
use crate::standalone::Standalone;
use crate::workspace::{self, CORE, Package};

pub(crate) const HELP: &str = "\
usage: cargo xtask package

Packages every published crate as `cargo publish` does, unpacks it below the target directory, checks that it contains its
README, changelog, and licenses and no large files, and builds the hello-world program of each (examples/hello.rs) outside the
workspace, with that crate and the packaged core. Takes some minutes. Not part of `cargo xtask ci`, because
`cargo xtask release` packages and builds what it releases.";

/// The files that every package must contain.
const NEEDED: [&str; 6] =
    ["Cargo.toml", "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "src/lib.rs"];
/// In bytes. Every user of the crate downloads the package, and its sources need no more.
const MAX_FILE: u64 = 256 * 1024;
const MAX_PACKAGE: u64 = 1024 * 1024;

/// A packaged crate.
struct Packed {
    name: String,
    /// The directory with its unpacked files.
    dir: PathBuf,
    /// The size of the compressed package in bytes.
    size: u64,
}

/// Packages the crates and builds the programs.
pub(crate) fn run() -> Result<()> {
    let packed = pack(&workspace::published()?)?;
    let mut problems = Vec::new();
    for one in &packed {
        let files = files_of(&one.dir)?;
        println!("{:<22} {:>4} files, {:>4} KiB packed", one.name, files.len(), one.size.div_ceil(1024));
        problems.extend(problems_of(one, &files));
    }
    Failure::all("packages:\n", &problems)?;
    packed.iter().filter(|one| one.name != CORE).try_for_each(|one| build_hello(one, &packed))
}

/// Packages and unpacks the crates. Cargo does not build them here: the hello-world programs do.
fn pack(packages: &[Package]) -> Result<Vec<Packed>> {
    let target = workspace::target_directory()?.join("xtask/package");
    // Missing before the first run. Files of an earlier run would count as part of the package.
    let _ = fs::remove_dir_all(target.join("package"));
    let mut command = process::cargo(["package", "--no-verify", "--allow-dirty", "--quiet"]);
    command.arg("--target-dir").arg(&target);
    for package in packages {
        command.args(["--package", &package.name]);
    }
    process::run(command)?;
    packages.iter().map(|package| unpack(package, &target.join("package"))).collect()
}

fn unpack(package: &Package, directory: &Path) -> Result<Packed> {
    let stem = format!("{}-{}", package.name, package.version());
    let file = format!("{stem}.crate");
    // Every supported system has a `tar` with gzip.
    process::read(process::program("tar", &["-xzf", &file], directory))?;
    let size = fs::metadata(directory.join(&file)).map_err(Failure::at(&file))?.len();
    Ok(Packed { name: package.name.clone(), dir: directory.join(stem), size })
}

/// The files of a directory with their sizes, by their relative paths with `/`.
fn files_of(dir: &Path) -> Result<Vec<(String, u64)>> {
    let size = |path: String| {
        let size = fs::metadata(dir.join(&path)).map_err(Failure::at(&path))?.len();
        Ok((path, size))
    };
    workspace::found_in(dir).into_iter().map(size).collect()
}

fn problems_of(packed: &Packed, files: &[(String, u64)]) -> Vec<String> {
    let Packed { name, size, .. } = packed;
    let missing = NEEDED.iter().filter(|needed| !files.iter().any(|(path, _)| path == *needed));
    let mut problems: Vec<_> = missing.map(|path| format!("{name}: {path} is missing")).collect();
    let large = files.iter().filter(|(_, size)| *size > MAX_FILE);
    problems.extend(large.map(|(path, size)| format!("{name}: {path} has {size} bytes: exclude it")));
    if *size > MAX_PACKAGE {
        problems.push(format!("{name}: the package has {size} bytes, more than {MAX_PACKAGE}"));
    }
    problems
}

/// Builds a program that depends on the crate (and on tokio, for its `main`) and uses the packaged core.
fn build_hello(packed: &Packed, all: &[Packed]) -> Result<()> {
    let core = all.iter().find(|one| one.name == CORE).map(|core| (CORE, core.dir.as_path()));
    // The emulator does not depend on the core, and cargo warns about an unused patch.
    let depends = fs::read_to_string(packed.dir.join("Cargo.toml")).is_ok_and(|text| text.contains(CORE));
    let hello = Standalone::hello_packed(&packed.name, &packed.dir, core.filter(|_| depends))?;
    hello.fetch()?;
    let mut command = hello.cargo(&["build", "--quiet", "--offline", "--target-dir"]);
    command.arg(workspace::target_directory()?);
    process::run(command)?;
    println!("{} builds", hello.name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(size: u64) -> Packed {
        Packed { name: "a".into(), dir: PathBuf::new(), size }
    }

    fn complete() -> Vec<(String, u64)> {
        NEEDED.iter().map(|path| ((*path).to_owned(), 1)).collect()
    }

    #[test]
    fn a_complete_package_without_large_files_is_accepted() {
        assert!(problems_of(&packed(MAX_PACKAGE), &complete()).is_empty());
    }

    #[test]
    fn a_missing_license_a_large_file_and_a_large_package_are_reported() {
        let mut files = complete();
        files.retain(|(path, _)| path != "LICENSE-MIT");
        files.push(("tests/data.bin".into(), MAX_FILE + 1));
        let text = problems_of(&packed(MAX_PACKAGE + 1), &files).join("\n");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("LICENSE-MIT is missing") && text.contains("tests/data.bin"), "{text}");
    }
}
