//! The official SDKs in a scratch folder, for `interop` and `bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::{process, workspace};

/// The versions that the scripts use, with their dependencies.
const JAVASCRIPT: [&str; 7] = [
    "@azure/core-auth@1.10.1",
    "@azure/eventgrid-namespaces@1.0.0",
    "@azure/web-pubsub@1.2.0",
    "@azure/web-pubsub-client@1.1.0",
    "@azure/web-pubsub-express@1.1.0",
    "express@5.3.0",
    "ws@8.23.0",
];
const PYTHON: [&str; 5] = [
    "aiohttp==3.14.5",
    "azure-eventgrid==4.22.1",
    "azure-messaging-webpubsubclient==1.1.0",
    "azure-messaging-webpubsubservice==1.3.0",
    "websocket-client==1.9.2",
];

/// The folder with the SDKs and the scripts.
pub(crate) struct Sdks {
    pub(crate) folder: PathBuf,
    python: PathBuf,
}

impl Sdks {
    /// Installs missing SDKs and copies these scripts of the workspace into the folder.
    pub(crate) fn with(scripts: &str) -> Result<Self> {
        let folder = workspace::target_directory()?.join("sdks");
        let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(failed)?;
        for script in fs::read_dir(workspace::root().join(scripts)).map_err(failed)?.flatten() {
            fs::copy(script.path(), folder.join(script.file_name())).map_err(failed)?;
        }
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]).args(JAVASCRIPT);
        process::run(within(npm, &folder))?;
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "venv"]);
        process::run(within(venv, &folder))?;
        let python = folder.join("venv").join(if cfg!(windows) { "Scripts/python" } else { "bin/python" });
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON);
        process::run(within(pip, &folder))?;
        Ok(Self { folder, python })
    }

    /// Runs a script with Node.
    pub(crate) fn javascript(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(script);
        within(command, &self.folder)
    }

    /// Runs a script with Python.
    pub(crate) fn python(&self, script: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(script);
        within(command, &self.folder)
    }
}

fn within(mut command: Command, directory: &Path) -> Command {
    command.current_dir(directory);
    command
}
