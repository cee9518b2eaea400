//! `cargo xtask fuzz`: builds the targets, runs them, and reports. libFuzzer does the work in a process per target.

mod corpus;
mod outcome;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use service_core::BoxError;

use self::outcome::Outcome;
use super::{TARGETS, Target};

/// The version of cargo-fuzz that is installed.
const CARGO_FUZZ: &str = "0.13.2";
/// Selects the target in the program, which contains all of them: linking one for each would take minutes.
pub const VARIABLE: &str = "WORKSPACE_FUZZ_TARGET";
/// In seconds. An input that takes longer is reported like a crash.
const MAX_SECONDS_PER_INPUT: u32 = 25;
const MAX_INPUT_BYTES: u32 = 8192;

/// What the command line requests.
#[derive(Debug)]
pub struct Options {
    /// The targets to run.
    pub targets: Vec<&'static Target>,
    /// The inputs to run once, instead of fuzzing.
    pub files: Vec<PathBuf>,
    /// How long each target runs.
    pub time: Duration,
    /// Whether the committed corpora are replaced.
    pub minimize: bool,
    /// The sanitizer, or `none`.
    pub sanitizer: String,
}

impl Options {
    /// Returns the targets with this name, or all.
    ///
    /// # Errors
    ///
    /// An unknown name; the error lists the known ones.
    pub fn targets(name: Option<&str>) -> Result<Vec<&'static Target>, BoxError> {
        let found: Vec<_> =
            TARGETS.iter().filter(|target| name.is_none_or(|name| target.name == name)).collect();
        if found.is_empty() {
            let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            return Err(
                format!("no target `{}`; there are: {}", name.unwrap_or_default(), known.join(", ")).into()
            );
        }
        Ok(found)
    }
}

/// The directories of the checkout.
struct Places {
    root: PathBuf,
    target: PathBuf,
}

impl Places {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = root.canonicalize().unwrap_or(root);
        // This program is in a directory of the target directory.
        let program = std::env::current_exe().unwrap_or_default();
        let target = program.ancestors().nth(2).map_or_else(|| root.join("target"), Path::to_path_buf);
        Self { root, target }
    }

    fn committed(&self, target: &Target) -> PathBuf {
        self.root.join("tests/fuzz/corpus").join(target.name)
    }

    /// A directory for what the fuzzer writes.
    fn written(&self, kind: &str, target: &Target) -> Result<PathBuf, BoxError> {
        let directory = self.target.join("fuzz").join(kind).join(target.name);
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        Ok(directory)
    }
}

/// Runs the targets. Returns whether none of them found anything.
///
/// # Errors
///
/// A build that fails, or a directory that cannot be written.
pub fn run(options: &Options) -> Result<bool, BoxError> {
    let places = Places::new();
    let program = build(&places, &options.sanitizer)?;
    let mut crashes = Vec::new();
    if !options.files.is_empty() {
        for target in &options.targets {
            let mut command = fuzzer(&program, target);
            succeeded(command.args(&options.files))?;
        }
        return Ok(true);
    }
    println!("{}", outcome::HEADER);
    for target in &options.targets {
        let found = fuzz(&places, &program, target, options.time)?;
        println!("{found}");
        crashes.extend(found.crash.map(|crash| (target.name, crash)));
        if options.minimize {
            corpus::minimize(
                &mut fuzzer(&program, target),
                &places.committed(target),
                &places.written("corpus", target)?,
            )?;
        }
    }
    for (target, crash) in &crashes {
        print!("{}", outcome::how_to_reproduce(target, crash));
    }
    Ok(crashes.is_empty())
}

/// Builds the program and returns its path.
fn build(places: &Places, sanitizer: &str) -> Result<PathBuf, BoxError> {
    let package = write_package(places)?;
    let output = places.target.join("fuzz/build");
    let mut command = Command::new(cargo_fuzz(places)?);
    command.args(["build", "--no-cfg-fuzzing", "--codegen-units", "16", "--sanitizer", sanitizer]);
    command.arg("--fuzz-dir").arg(&package);
    command.arg("--target-dir").arg(&output).arg("targets").current_dir(&package);
    succeeded(&mut command)?;
    // Below a directory with the name of the platform.
    let entries = fs::read_dir(&output)?.filter_map(Result::ok);
    let programs = entries.map(|entry| entry.path().join("release/targets"));
    programs.filter(|program| program.exists()).max().ok_or_else(|| "cargo-fuzz built no program".into())
}

/// Copies the package, so that neither its lock file nor its build is among the sources. The versions are the workspace's.
fn write_package(places: &Places) -> Result<PathBuf, BoxError> {
    let (source, package) = (places.root.join("tests/fuzz"), places.target.join("fuzz/package"));
    fs::create_dir_all(&package)?;
    let manifest = fs::read_to_string(source.join("Cargo.toml"))?;
    let absolute = format!("path = {:?}", places.root.join("tests"));
    fs::write(package.join("Cargo.toml"), manifest.replace("path = \"..\"", &absolute))?;
    fs::copy(source.join("targets.rs"), package.join("targets.rs"))?;
    fs::copy(places.root.join("Cargo.lock"), package.join("Cargo.lock"))?;
    Ok(package)
}

/// Returns the path of cargo-fuzz, which is installed if it is missing.
fn cargo_fuzz(places: &Places) -> Result<PathBuf, BoxError> {
    let tools = places.target.join("tools");
    let program = tools.join("bin/cargo-fuzz");
    if !program.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        succeeded(
            command
                .args(["install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked", "--root"])
                .arg(&tools),
        )?;
    }
    Ok(program)
}

/// The fuzzer for one target.
fn fuzzer(program: &Path, target: &Target) -> Command {
    let mut command = Command::new(program);
    command.env(VARIABLE, target.name).env("RUST_BACKTRACE", "1");
    command.arg(format!("-timeout={MAX_SECONDS_PER_INPUT}")).arg(format!("-max_len={MAX_INPUT_BYTES}"));
    command
}

fn fuzz(places: &Places, program: &Path, target: &Target, time: Duration) -> Result<Outcome, BoxError> {
    let (corpus, artifacts) = (places.written("corpus", target)?, places.written("artifacts", target)?);
    let log = places.written("log", target)?.join("stderr");
    let mut command = fuzzer(program, target);
    command.arg(format!("-max_total_time={}", time.as_secs().max(1))).arg("-print_final_stats=1");
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    let words = places.root.join("tests/fuzz/words.txt");
    command.arg(format!("-dict={}", words.display())).arg(&corpus).arg(places.committed(target));
    command.stdout(File::create(log.with_extension("out"))?).stderr(File::create(&log)?);
    let status = command.status()?;
    let shown = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    Ok(Outcome::read(target.name, &shown, status.success()))
}

fn succeeded(command: &mut Command) -> Result<(), BoxError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{name} could not be run: {error}"))?;
    std::io::stdout().flush()?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}").into()) }
}
