//! What a release asks of git and tells it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::failure::Result;
use crate::process;

/// The repository of a directory.
pub(super) struct Git<'a>(pub(super) &'a Path);

impl Git<'_> {
    /// What is neither committed nor ignored, a line each.
    pub(super) fn uncommitted(&self) -> Result<String> {
        process::read(self.command(["status", "--porcelain"]))
    }

    pub(super) fn has_tag(&self, tag: &str) -> Result<bool> {
        Ok(!process::read(self.command(["tag", "--list", tag]))?.trim().is_empty())
    }

    /// Whether the last commit carries a tag.
    pub(super) fn is_at(&self, tag: &str) -> Result<bool> {
        let tags = process::read(self.command(["tag", "--points-at", "HEAD"]))?;
        Ok(tags.lines().any(|line| line == tag))
    }

    /// The files below some paths that are not as they were at a tag.
    pub(super) fn changed_since(&self, tag: &str, paths: &[String]) -> Result<Vec<String>> {
        let mut command = self.command(["diff", "--name-only", tag, "HEAD", "--"]);
        command.args(paths);
        Ok(process::read(command)?.lines().map(str::to_owned).collect())
    }

    /// Commits these files as they are on disk, and nothing else.
    pub(super) fn commit(&self, message: &str, files: &[impl AsRef<OsStr>]) -> Result<()> {
        let mut command = self.command(["commit", "--quiet", "--message", message, "--"]);
        command.args(files);
        process::run(command)
    }

    pub(super) fn tag(&self, tag: &str, message: &str) -> Result<()> {
        process::run(self.command(["tag", "--annotate", tag, "--message", message]))
    }

    fn command<'s>(&self, args: impl IntoIterator<Item = &'s str>) -> Command {
        let mut command = Command::new("git");
        command.args(args).current_dir(self.0);
        command
    }
}
