//! The official SDKs in a scratch folder, for `interop` and `bench`.

use std::fs;
use std::path::PathBuf;
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
        let failed = Failure::at(folder.display().to_string());
        fs::create_dir_all(&folder).map_err(&failed)?;
        for script in fs::read_dir(process::root().join(scripts)).map_err(&failed)?.flatten() {
            fs::copy(script.path(), folder.join(script.file_name())).map_err(&failed)?;
        }
        let npm = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
        process::run(process::program("npm", &[&npm[..], &JAVASCRIPT].concat(), &folder))?;
        process::run(process::program("python3", &["-m", "venv", "venv"], &folder))?;
        let python = folder.join("venv").join(if cfg!(windows) { "Scripts/python" } else { "bin/python" });
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        process::run(process::program(&python, &[&pip[..], &PYTHON].concat(), &folder))?;
        Ok(Self { folder, python })
    }

    /// Runs a script with Node.
    pub(crate) fn javascript(&self, script: &str) -> Command {
        process::program("node", &[script], &self.folder)
    }

    /// Runs a script with Python.
    pub(crate) fn python(&self, script: &str) -> Command {
        process::program(&self.python, &[script], &self.folder)
    }
}
