//! The settings of the clients that every command shares. The command line sets them once.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use service_core::TokenCredential;

use crate::failure::{Failure, Result};
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

    /// Use Microsoft Entra ID instead of a key. For Web PubSub, set WEBPUBSUB_ENDPOINT instead of the connection string.
    #[cfg(feature = "entra")]
    #[arg(
        long, global = true, value_enum, value_name = "IDENTITY", num_args = 0..=1, require_equals = true,
        default_missing_value = "auto", help_heading = "Connection"
    )]
    entra: Option<crate::entra::Identity>,
}

/// The settings of the clients.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) no_retry: bool,
    pub(crate) root_certificate: Option<Bytes>,
    #[cfg(feature = "entra")]
    pub(crate) entra: Option<crate::entra::Identity>,
}

impl Settings {
    /// Returns the builder of an HTTP client that is not one of the services' own.
    pub(crate) fn http_client(&self, default_timeout: Duration) -> Result<reqwest::ClientBuilder> {
        let builder = reqwest::Client::builder().timeout(self.timeout.unwrap_or(default_timeout));
        let Some(pem) = &self.root_certificate else { return Ok(builder) };
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| Failure::usage("the file of --ca-file has no valid PEM certificate"))?;
        Ok(certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate))
    }

    /// Returns whether Microsoft Entra ID is used instead of keys.
    pub(crate) fn uses_entra(&self) -> bool {
        #[cfg(feature = "entra")]
        return self.entra.is_some();
        #[cfg(not(feature = "entra"))]
        return false;
    }

    /// Fails if the command line selects Microsoft Entra ID, for something that requires a key.
    pub(crate) fn require_key(&self, what: &str) -> Result<()> {
        if self.uses_entra() {
            Err(Failure::Usage(format!("--entra does not apply: {what}")))
        } else {
            Ok(())
        }
    }
}

/// Returns the credential for Microsoft Entra ID, or `None` if keys are used.
pub(crate) fn token_credential() -> Result<Option<Arc<dyn TokenCredential>>> {
    #[cfg(feature = "entra")]
    return crate::entra::credential();
    #[cfg(not(feature = "entra"))]
    return Ok(None);
}

/// Sets the settings, before any client is created.
pub(crate) fn set(arguments: &ClientArguments) -> Result<()> {
    let root_certificate = arguments.ca_file.as_deref().map(input::read).transpose()?;
    let settings = Settings {
        timeout: arguments.timeout.map(Duration::from_secs),
        no_retry: arguments.no_retry,
        root_certificate: root_certificate.map(Bytes::from),
        #[cfg(feature = "entra")]
        entra: arguments.entra,
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
