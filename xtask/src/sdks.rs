//! The official SDKs in a scratch folder, for `interop` and `bench`.

use std::fs;
use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::{process, workspace};

/// The newest versions, with what the scripts need in addition.
const JAVASCRIPT: [&str; 10] = [
    "@azure/core-auth@1.11.0",
    "@azure/eventgrid@5.12.0",
    "@azure/eventgrid-namespaces@1.0.0",
    "@azure/identity@4.14.1",
    "@azure/logger@1.4.0",
    "@azure/web-pubsub@1.2.0",
    "@azure/web-pubsub-client@1.1.0",
    "@azure/web-pubsub-express@1.1.0",
    "express@5.3.0",
    "ws@8.23.0",
];
const PYTHON: [&str; 9] = [
    "aiohttp==3.14.5",
    "azure-core-tracing-opentelemetry==1.0.0b13",
    "azure-eventgrid==4.22.1",
    "azure-identity==1.27.0",
    "azure-messaging-webpubsubclient==1.1.0",
    "azure-messaging-webpubsubservice==1.3.0",
    // Of the newest major version, azure-eventgrid 4.22.1 knows nothing.
    "cloudevents==1.13.0",
    "opentelemetry-sdk==1.45.2",
    "websocket-client==1.9.2",
];

/// The folder with the SDKs and the scripts.
pub(crate) struct Sdks {
    pub(crate) folder: PathBuf,
    pub(crate) python: PathBuf,
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
}
