//! The settings of the clients that every command shares. The command line sets them once.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;

use crate::failure::Result;
use crate::input;

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// The options that configure the clients.
#[derive(Debug, Args)]
pub(crate) struct ClientArguments {
    /// Timeout of each call, including its retries. A receive waits for events in addition.
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Connection")]
    timeout: Option<u64>,

    /// Do not retry calls after transient failures.
    #[arg(long, global = true, help_heading = "Connection")]
    no_retry: bool,

    /// Trust the certificate authorities in a PEM file, such as that of the emulator.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    ca_file: Option<PathBuf>,
}

/// The settings of the clients.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) no_retry: bool,
    pub(crate) root_certificate: Option<Bytes>,
}

/// Sets the settings, before any client is created.
pub(crate) fn set(arguments: &ClientArguments) -> Result<()> {
    let root_certificate = arguments.ca_file.as_deref().map(input::read).transpose()?;
    let settings = Settings {
        timeout: arguments.timeout.map(Duration::from_secs),
        no_retry: arguments.no_retry,
        root_certificate: root_certificate.map(Bytes::from),
    };
    // Set by the program's start alone.
    let _ = SETTINGS.set(settings);
    Ok(())
}

/// Returns the settings.
pub(crate) fn get() -> &'static Settings {
    SETTINGS.get_or_init(Settings::default)
}

/// Applies the settings to the builder of a client. The builders have the same setters, but no trait in common.
macro_rules! configured {
    ($builder:expr) => {{
        let settings = $crate::settings::get();
        let mut builder = $builder.app_id("hubgrid");
        if let Some(timeout) = settings.timeout {
            builder = builder.deadline(timeout);
        }
        if settings.no_retry {
            builder = builder.retry(service_core::RetryOptions::none());
        }
        if let Some(certificate) = &settings.root_certificate {
            builder = builder.root_certificate(certificate.clone());
        }
        builder
    }};
}

pub(crate) use configured;
