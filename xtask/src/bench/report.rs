//! `target/bench/report.md`: the output of every benchmark, with the command that reproduces each part.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{process, workspace};

/// A report that is being written.
pub(super) struct Report(String);

impl Report {
    /// Creates a report that starts with the commit, compiler, and machine.
    pub(super) fn new() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut compiler = Command::new("rustc");
        compiler.arg("--version");
        let compiler = process::read(compiler)?;
        Ok(Self(format!(
            "# Benchmarks\n\n\
             Written by `cargo xtask bench` from {}, with {} in release, on {cores} cores ({}, {}).\n\n\
             Contenders take turns in the same minutes. Compare ratios: the times are those of one machine.\n",
            source(),
            compiler.trim(),
            std::env::consts::OS,
            std::env::consts::ARCH
        )))
    }

    /// Adds the output of one benchmark.
    pub(super) fn add(&mut self, name: &str, lines: &[String]) {
        self.0.push_str(&format!(
            "\n## {name}\n\n`cargo xtask bench {name}`\n\n```text\n{}\n```\n",
            lines.join("\n").trim()
        ));
    }

    /// Adds the comparison with SDKs in other languages.
    pub(super) fn add_peers(&mut self, table: &str) {
        self.0.push_str(&format!("\n## Official SDKs\n\n`cargo xtask bench --peers`\n\n{table}"));
    }

    /// Writes the report and returns its path.
    pub(super) fn write(&self) -> Result<PathBuf> {
        let path = workspace::target_directory()?.join("bench").join("report.md");
        let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&path, &self.0).map_err(failed)?;
        Ok(path)
    }
}

/// The measured commit, if there is one.
fn source() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(workspace::root());
    match process::read(git) {
        Ok(commit) => format!("commit {}", commit.trim()),
        Err(_) => "a checkout without history".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_name_and_the_command_that_reproduces_it() {
        let mut report = Report(String::new());
        report.add("core", &["how".to_owned(), "  figures".to_owned()]);
        report.add_peers("| a | b |\n");
        assert!(report.0.contains("## core\n\n`cargo xtask bench core`\n\n```text\nhow\n  figures\n```\n"));
        assert!(report.0.ends_with("`cargo xtask bench --peers`\n\n| a | b |\n"));
    }
}
