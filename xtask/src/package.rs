//! `cargo xtask package`: the published crates as the registry would have them, and a user's first program built on each.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::hello::Hello;
use crate::workspace::{self, Package};
use crate::{flags, process};

const HELP: &str = "\
usage: cargo xtask package

Packs every published crate as `cargo publish` would, unpacks it below the target directory, looks whether its README, its
changelog and its licences are in and nothing large is, and builds the hello-world of each (examples/hello.rs of the
package) in a package outside the workspace: on that crate alone, and on the packed core. Some minutes; no part of
`cargo xtask ci`, since `cargo xtask release` packs and builds what it releases.";

const CORE: &str = "service-core";

/// What has to be in every package.
const NEEDED: [&str; 6] =
    ["Cargo.toml", "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "src/lib.rs"];
/// Bytes: everyone who builds the crate downloads it, and none of ours needs more for its sources.
const LARGEST_FILE: u64 = 256 * 1024;
const LARGEST_PACKAGE: u64 = 1024 * 1024;

/// A crate as a user gets it.
struct Packed {
    name: String,
    /// The directory that it was unpacked to.
    dir: PathBuf,
    /// The size of the compressed package, in bytes.
    size: u64,
}

/// Checks the packages for a command line.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    match flags::switches(args, [], HELP)? {
        Some([]) => check(),
        None => Ok(()),
    }
}

/// Packs the crates and builds on them.
pub(crate) fn check() -> Result<()> {
    let packages = workspace::packages()?;
    let published: Vec<&Package> = packages.iter().filter(|package| package.published).collect();
    let packed = pack(&published)?;
    let mut complaints = Vec::new();
    for one in &packed {
        let files = files_of(&one.dir)?;
        println!("{:<22} {:>4} files, {:>4} KiB packed", one.name, files.len(), one.size.div_ceil(1024));
        complaints.extend(complaints_of(one, &files));
    }
    if !complaints.is_empty() {
        return Err(Failure::failed(format!("packages:\n- {}", complaints.join("\n- "))));
    }
    packed.iter().filter(|one| one.name != CORE).try_for_each(|one| build_hello(one, &packed))
}

/// Packs and unpacks. Cargo does not build the packages here: the hello-worlds do, with what they need of each.
fn pack(packages: &[&Package]) -> Result<Vec<Packed>> {
    let target = workspace::target_directory()?.join("xtask/package");
    // Absent at first; what an earlier run left would be taken for a part of the package.
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
    let version = package.metadata["version"].as_str().unwrap_or_default();
    let stem = format!("{}-{version}", package.name);
    let file = format!("{stem}.crate");
    // Every system that we build on has a `tar` that knows gzip.
    let mut tar = Command::new("tar");
    tar.args(["-xzf", &file]).current_dir(directory);
    process::read(tar)?;
    let size = fs::metadata(directory.join(&file)).map_err(|error| failed(&file, &error))?.len();
    Ok(Packed { name: package.name.clone(), dir: directory.join(stem), size })
}

/// The files of a directory with their sizes, by their paths from it, with `/`.
fn files_of(dir: &Path) -> Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for path in workspace::found_in(dir) {
        let size = fs::metadata(dir.join(&path)).map_err(|error| failed(&path, &error))?.len();
        files.push((path, size));
    }
    Ok(files)
}

fn complaints_of(packed: &Packed, files: &[(String, u64)]) -> Vec<String> {
    let Packed { name, size, .. } = packed;
    let missing = NEEDED.iter().filter(|needed| !files.iter().any(|(path, _)| path == *needed));
    let mut complaints: Vec<_> = missing.map(|path| format!("{name}: {path} is not packed")).collect();
    let large = files.iter().filter(|(_, size)| *size > LARGEST_FILE);
    complaints.extend(large.map(|(path, size)| format!("{name}: {path} has {size} bytes: exclude it")));
    if *size > LARGEST_PACKAGE {
        complaints.push(format!("{name}: the package has {size} bytes, more than {LARGEST_PACKAGE}"));
    }
    complaints
}

/// Builds a program that depends on the crate (and tokio, for its `main`) and gets the core from its package.
fn build_hello(packed: &Packed, all: &[Packed]) -> Result<()> {
    let core = all.iter().find(|one| one.name == CORE).map(|core| (CORE, core.dir.as_path()));
    // The emulator has none of the core in it: a patch that nothing uses would be warned of.
    let depends = fs::read_to_string(packed.dir.join("Cargo.toml")).is_ok_and(|text| text.contains(CORE));
    let hello = Hello::write_outside(&packed.name, &packed.dir, core.filter(|_| depends))?;
    let build = |args: &[&str]| {
        let mut command = hello.cargo(args);
        command.arg("--target-dir").arg(workspace::target_directory()?);
        process::run(command)
    };
    process::read(hello.cargo(&["fetch", "--offline"]))
        .or_else(|_| process::read(hello.cargo(&["fetch"])))?;
    build(&["build", "--quiet", "--offline"])?;
    println!(
        "{} builds ({})",
        hello.name,
        if hello.is_example { "examples/hello.rs" } else { "an empty main" }
    );
    Ok(())
}

fn failed(path: &str, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{path}: {error}"))
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
    fn a_package_with_its_papers_and_nothing_large_is_fine() {
        assert!(complaints_of(&packed(LARGEST_PACKAGE), &complete()).is_empty());
    }

    #[test]
    fn a_missing_licence_a_large_file_and_a_large_package_are_told() {
        let mut files = complete();
        files.retain(|(path, _)| path != "LICENSE-MIT");
        files.push(("tests/data.bin".into(), LARGEST_FILE + 1));
        let told = complaints_of(&packed(LARGEST_PACKAGE + 1), &files).join("\n");
        assert_eq!(told.lines().count(), 3, "{told}");
        assert!(told.contains("LICENSE-MIT is not packed") && told.contains("tests/data.bin"), "{told}");
    }
}
