//! `target/bench/report.md`: what every benchmark told, with the commands that make each part anew.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{process, workspace};

/// A report in the making.
pub(super) struct Report(String);

impl Report {
    /// A report that begins with what was measured, and on what.
    pub(super) fn new() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut compiler = Command::new("rustc");
        compiler.arg("--version");
        let compiler = process::read(compiler)?;
        Ok(Self(format!(
            "# Benchmarks\n\n\
             Made by `cargo xtask bench` from {}, with {} in release, on {cores} cores ({}, {}).\n\n\
             Contenders take turns in the same minutes. The ratios count; the times are those of one machine.\n",
            source(),
            compiler.trim(),
            std::env::consts::OS,
            std::env::consts::ARCH
        )))
    }

    /// Adds what one benchmark printed.
    pub(super) fn add(&mut self, name: &str, lines: &[String]) {
        self.0.push_str(&format!(
            "\n## {name}\n\n`cargo xtask bench {name}`\n\n```text\n{}\n```\n",
            lines.join("\n").trim()
        ));
    }

    /// Adds the comparison with other languages.
    pub(super) fn add_peers(&mut self, table: &str) {
        self.0.push_str(&format!("\n## Official SDKs\n\n`cargo xtask bench --peers`\n\n{table}"));
    }

    /// Writes the report, and says where it is.
    pub(super) fn write(&self) -> Result<PathBuf> {
        let path = workspace::target_directory()?.join("bench").join("report.md");
        let told = |error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(told)?;
        }
        fs::write(&path, &self.0).map_err(told)?;
        Ok(path)
    }
}

/// The commit that the figures belong to, where there is one.
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
    fn each_part_stands_under_its_name_with_the_command_that_makes_it() {
        let mut report = Report(String::new());
        report.add("core", &["how".to_owned(), "  figures".to_owned()]);
        report.add_peers("| a | b |\n");
        assert!(report.0.contains("## core\n\n`cargo xtask bench core`\n\n```text\nhow\n  figures\n```\n"));
        assert!(report.0.ends_with("`cargo xtask bench --peers`\n\n| a | b |\n"));
    }
}
