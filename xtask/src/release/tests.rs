//! Releases in a scratch workspace of two crates with its own repository; tests, packaging, and publishing are replaced.

use std::cell::RefCell;
use std::fs;

use super::*;

/// A client and the core that it depends on; the core's 0.1.0 is released.
struct Scratch {
    root: PathBuf,
    /// The slow commands that were run.
    slow: RefCell<Vec<String>>,
    /// The cargo command that fails.
    failing: RefCell<&'static str>,
}

impl Scratch {
    fn new(name: &str) -> Self {
        let root = workspace::target_directory().unwrap().join("xtask/release").join(name);
        let _ = fs::remove_dir_all(&root);
        let scratch = Self { root, slow: RefCell::default(), failing: RefCell::default() };
        scratch.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"core\", \"client\"]\n\n[workspace.dependencies]\n\
             core-x = { path = \"core\", version = \"0.1.0\" }\nclient-x = { path = \"client\", version = \"0.1.0\" }\n",
        );
        let manifest =
            |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        scratch.write("core/Cargo.toml", &manifest("core-x"));
        scratch.write(
            "client/Cargo.toml",
            &format!("{}\n[dependencies]\ncore-x.workspace = true\n", manifest("client-x")),
        );
        for dir in ["core", "client"] {
            scratch.write(&format!("{dir}/src/lib.rs"), "//! Nothing.\n");
            scratch
                .write(&format!("{dir}/CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n- **added:** all\n");
        }
        process::read(scratch.release().cargo(&["generate-lockfile", "--offline"])).unwrap();
        scratch.git("init --quiet");
        for setting in
            ["user.name A", "user.email a@example.com", "commit.gpgsign false", "tag.gpgsign false"]
        {
            scratch.git(&format!("config {setting}"));
        }
        scratch.commit();
        scratch.git("tag core-x-v0.1.0");
        scratch
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    fn git(&self, line: &str) -> String {
        let words: Vec<_> = line.split(' ').collect();
        process::read(self.release().git(&words)).unwrap()
    }

    fn commit(&self) {
        self.git("add --all");
        self.git("commit --quiet --message x");
    }

    /// A release without slow commands, for its `cargo`.
    fn release(&self) -> Release<'_> {
        Release { root: self.root.clone(), today: "2026-11-22".into(), slow: &|_| Ok(()) }
    }

    /// Runs `cargo xtask release` with these words.
    fn run(&self, line: &str) -> Result<()> {
        let slow = |command: Command| {
            let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
            self.slow.borrow_mut().push(args.join(" "));
            let fails = args[0] == *self.failing.borrow();
            if fails { Err(Failure::failed("out of order")) } else { Ok(()) }
        };
        let release = Release { slow: &slow, ..self.release() };
        release.run(line.split_whitespace().map(OsString::from).collect())
    }

    /// The state of the repository: commits, tags, uncommitted changes.
    fn state(&self) -> String {
        [self.git("log --format=%s"), self.git("tag"), self.git("status --porcelain")].concat()
    }
}

const BEFORE: &str = "x\ncore-x-v0.1.0\n";

#[test]
fn a_release_changes_versions_dates_the_changelog_commits_tags_and_publishes() {
    let scratch = Scratch::new("whole");
    scratch.run("client-x patch --execute").unwrap();
    let expected = [
        "test --package client-x --all-features",
        "package --package client-x --package core-x",
        "publish --package client-x",
    ];
    assert_eq!(scratch.slow.take(), expected);
    assert_eq!(scratch.state(), "Release client-x 0.1.1\nx\nclient-x-v0.1.1\ncore-x-v0.1.0\n");
    assert!(scratch.read("client/Cargo.toml").contains("version = \"0.1.1\""));
    assert!(scratch.read("Cargo.toml").contains("path = \"client\", version = \"0.1.1\""));
    assert!(scratch.read("Cargo.lock").contains("name = \"client-x\"\nversion = \"0.1.1\""));
    let changelog = scratch.read("client/CHANGELOG.md");
    let dated = "## Unreleased\n\n## 0.1.1 (2026-11-22)\n\n- **added:** all\n";
    assert!(changelog.contains(dated), "{changelog}");
}

#[test]
fn a_release_of_the_core_changes_the_version_that_the_others_require() {
    let scratch = Scratch::new("core");
    scratch.run("core-x minor --execute").unwrap();
    assert!(scratch.read("Cargo.toml").contains("path = \"core\", version = \"0.2.0\""));
    assert!(scratch.read("client/Cargo.toml").contains("version = \"0.1.0\""));
    assert!(scratch.state().ends_with("core-x-v0.1.0\ncore-x-v0.2.0\n"));
}

#[test]
fn without_execute_nothing_changes() {
    let scratch = Scratch::new("dry");
    scratch.run("client-x patch").unwrap();
    assert_eq!(scratch.state(), BEFORE);
    assert!(!scratch.slow.take().iter().any(|line| line.starts_with("publish")));
}

#[test]
fn the_first_release_takes_the_version_of_the_manifest_and_is_released_once() {
    let scratch = Scratch::new("first");
    scratch.run("client-x first --execute").unwrap();
    assert_eq!(scratch.state(), "Release client-x 0.1.0\nx\nclient-x-v0.1.0\ncore-x-v0.1.0\n");
    scratch.write("client/CHANGELOG.md", "## Unreleased\n\n- **fixed:** b\n");
    scratch.commit();
    let failure = scratch.run("client-x first --execute").unwrap_err();
    assert!(failure.text().contains("the tag client-x-v0.1.0 exists already"), "{failure}");
}

#[test]
fn all_reasons_against_a_release_are_reported_together_and_nothing_is_run() {
    let scratch = Scratch::new("against");
    scratch.write("client/CHANGELOG.md", "## Unreleased\n\n## 0.1.0 (2026-01-01)\n\n- **added:** all\n");
    scratch.write("core/src/lib.rs", "//! Changed.\n");
    scratch.commit();
    scratch.write("client/src/new.rs", "");
    let failure = scratch.run("client-x patch --execute").unwrap_err();
    let parts =
        ["client/src/new.rs", "client/CHANGELOG.md has no entry", "core-x has changed since core-x-v0.1.0"];
    for part in parts {
        assert!(failure.text().contains(part), "{part}: {failure}");
    }
    assert!(scratch.slow.take().is_empty());
}

#[test]
fn a_crate_is_not_released_before_its_dependency() {
    let scratch = Scratch::new("order");
    scratch.git("tag --delete core-x-v0.1.0");
    let failure = scratch.run("client-x patch").unwrap_err();
    assert!(failure.text().contains("core-x is not released"), "{failure}");
}

#[test]
fn a_failing_test_or_package_changes_nothing() {
    let scratch = Scratch::new("early");
    for failing in ["test", "package"] {
        scratch.failing.replace(failing);
        scratch.run("client-x patch --execute").unwrap_err();
        assert_eq!(scratch.state(), BEFORE, "{failing}");
    }
}

#[test]
fn a_rejected_commit_restores_the_files() {
    let scratch = Scratch::new("hook");
    // A directory in its place makes git fail to write the commit message, as a rejecting hook does where there is a shell.
    let _ = fs::remove_file(scratch.root.join(".git/COMMIT_EDITMSG"));
    fs::create_dir(scratch.root.join(".git/COMMIT_EDITMSG")).unwrap();
    let before = scratch.read("client/Cargo.toml");
    let failure = scratch.run("client-x patch --execute").unwrap_err();
    assert!(failure.text().contains("the files are restored"), "{failure}");
    assert_eq!((scratch.state().as_str(), scratch.read("client/Cargo.toml")), (BEFORE, before));
}

#[test]
fn a_failed_publication_prints_the_commands_that_remain() {
    let scratch = Scratch::new("again");
    scratch.failing.replace("publish");
    let failure = scratch.run("client-x patch --execute").unwrap_err();
    for part in ["cargo publish --package client-x\n", "git tag --delete client-x-v0.1.1"] {
        assert!(failure.text().contains(part), "{failure}");
    }
    assert!(scratch.state().contains("client-x-v0.1.1"));
}

#[test]
fn a_crate_that_is_not_published_here_is_a_usage_error() {
    let scratch = Scratch::new("unknown");
    let failure = scratch.run("client-y patch").unwrap_err();
    assert_eq!((failure.exit_status(), failure.text().contains("client-x, core-x")), (2, true));
    assert_eq!(scratch.run("client-x").unwrap_err().exit_status(), 2);
}
