//! Settings of a configuration file. Every value is checked while it is read, so that an error can name its line, and
//! then passed to the methods that a test would call: there is no second way to set anything up.

mod error;
#[cfg(feature = "eventgrid")]
pub(crate) mod eventgrid;
mod faults;
#[cfg(feature = "hulft")]
pub(crate) mod hulft;
mod rules;
mod settings;
mod socket_faults;
mod variables;
#[cfg(feature = "webpubsub")]
pub(crate) mod webpubsub;

// The sample contains the sections of all services.
#[cfg(test)]
#[cfg(all(feature = "webpubsub", feature = "eventgrid", feature = "hulft"))]
mod tests;

use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

pub use error::ConfigError;
pub(crate) use faults::RequestFault;
pub(crate) use settings::Settings;
pub(crate) use socket_faults::WebSocketFault;

use crate::builder::Builder;
use crate::control::check_token;
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::journal::LogStyle;

/// The whole file. A section exists only with its service's feature.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    #[serde(deserialize_with = "host")]
    host: Option<String>,
    advertise: Option<String>,
    #[serde(deserialize_with = "control_token")]
    control_token: Option<String>,
    show_payloads: Option<bool>,
    #[serde(deserialize_with = "port")]
    port: Option<u16>,
    sample_data: Option<bool>,
    tls: Option<bool>,
    tls_ca: Option<PathBuf>,
    #[serde(deserialize_with = "log")]
    log: Option<LogStyle>,
    #[serde(deserialize_with = "max_connections")]
    max_connections: Option<usize>,
    #[cfg(feature = "webpubsub")]
    webpubsub: webpubsub::WebPubSub,
    #[cfg(feature = "eventgrid")]
    eventgrid: eventgrid::EventGrid,
    #[cfg(feature = "hulft")]
    hulft: hulft::Hulft,
    faults: Vec<RequestFault>,
    socket_faults: Vec<WebSocketFault>,
}

/// Without the values, which may be secrets.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

impl Builder {
    /// Reads settings from a [TOML](https://toml.io) text in the format of the package's `emulator.sample.toml`.
    ///
    /// The text's settings replace earlier ones; setters called later win.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not valid TOML, contains an unknown key, or contains a value that breaks a rule.
    /// The error names the line and the known keys or the rule. It never contains an access key.
    pub fn config(self, toml: &str) -> Result<Self, ConfigError> {
        let settings = Settings::new(Config::parse(toml)?);
        let mut builder = settings.clone().apply(self);
        builder.arrangements.file = Some(settings);
        Ok(builder)
    }
}

impl Config {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::of(&error, text))
    }

    /// Sets what is needed before the start.
    fn apply(&self, mut builder: Builder) -> Builder {
        if let Some(host) = &self.host {
            builder = builder.host(host);
        }
        if let Some(url) = &self.advertise {
            builder = builder.advertise(url);
        }
        if let Some(token) = &self.control_token {
            builder = builder.control_token(token);
        }
        if let Some(on) = self.show_payloads {
            builder = builder.show_payloads(on);
        }
        if let Some(port) = self.port {
            builder = builder.port(port);
        }
        if let Some(on) = self.sample_data {
            builder = builder.sample_data(on);
        }
        if let Some(on) = self.tls {
            builder = builder.tls(on);
        }
        if let Some(path) = &self.tls_ca {
            builder = builder.tls_ca_file(path);
        }
        if let Some(style) = self.log {
            builder = builder.request_log(style);
        }
        if let Some(maximum) = self.max_connections {
            builder = builder.max_connections(maximum);
        }
        builder
    }

    /// Sets up the services of an emulator that is about to serve, or that was reset.
    fn arrange(&self, emulator: &Emulator) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.change(None, emulator)?;
        self.schedule_faults(&emulator.faults());
        Ok(())
    }

    /// These settings, overridden by others. Lists are joined.
    fn with(&self, others: &Self) -> Self {
        let mut all = self.clone();
        #[cfg(feature = "webpubsub")]
        all.webpubsub.override_with(&others.webpubsub);
        #[cfg(feature = "eventgrid")]
        all.eventgrid.override_with(&others.eventgrid);
        #[cfg(feature = "hulft")]
        all.hulft.override_with(&others.hulft);
        all.faults.extend_from_slice(&others.faults);
        all.socket_faults.extend_from_slice(&others.socket_faults);
        all
    }

    /// Changes the services of an emulator that has served with other settings.
    fn update(&self, old: &Self, emulator: &Emulator) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.change(Some(old), emulator)?;
        if (&self.faults, &self.socket_faults) != (&old.faults, &old.socket_faults) {
            emulator.faults().clear();
            self.schedule_faults(&emulator.faults());
        }
        Ok(())
    }

    /// Changes the services from the old settings, or sets them up if there are none.
    fn change(&self, old: Option<&Self>, emulator: &Emulator) -> Result<(), Box<dyn Error + Send + Sync>> {
        #[cfg(feature = "webpubsub")]
        match old {
            Some(old) => self.webpubsub.update(&old.webpubsub, &emulator.webpubsub())?,
            None => self.webpubsub.arrange(&emulator.webpubsub())?,
        }
        #[cfg(feature = "eventgrid")]
        match old {
            Some(old) => self.eventgrid.update(&old.eventgrid, &emulator.eventgrid())?,
            None => self.eventgrid.arrange(&emulator.eventgrid())?,
        }
        #[cfg(feature = "hulft")]
        match old {
            Some(old) => self.hulft.update(&old.hulft, &emulator.hulft())?,
            None => self.hulft.arrange(&emulator.hulft(), emulator.clock().now())?,
        }
        Ok(())
    }

    fn schedule_faults(&self, faults: &Faults) {
        for fault in &self.faults {
            fault.arrange(faults);
        }
        for fault in &self.socket_faults {
            fault.arrange(faults);
        }
    }
}

fn log<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LogStyle>, D::Error> {
    let style: String = rules::checked(deserializer, |style: &String| style.parse::<LogStyle>().map(drop))?;
    Ok(style.parse().ok())
}

/// An address, or a name that is resolved at start.
fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let check = |host: &String| {
        let valid = host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.bytes().all(in_name));
        if valid { Ok(()) } else { Err("must be an IP address or a host name") }
    };
    rules::checked(deserializer, check).map(Some)
}

/// A token that a header can contain.
fn control_token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    rules::checked(deserializer, |token: &String| check_token(token)).map(Some)
}

fn max_connections<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(rules::count(deserializer)?.and_then(|count| usize::try_from(count).ok()))
}

fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let port: i64 = rules::within(deserializer, &(0..=u16::MAX.into()))?;
    Ok(u16::try_from(port).ok())
}
