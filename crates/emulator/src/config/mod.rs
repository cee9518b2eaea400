//! Settings of a configuration file. Every value is checked while it is read, so that an error can name its line, and
//! then passed to the methods that a test would call: there is no second way to set anything up.

mod error;
#[cfg(feature = "eventgrid")]
mod eventgrid;
mod faults;
#[cfg(feature = "hulft")]
mod hulft;
mod rules;
#[cfg(feature = "webpubsub")]
mod webpubsub;

// The sample contains the sections of all services.
#[cfg(test)]
#[cfg(all(feature = "webpubsub", feature = "eventgrid", feature = "hulft"))]
mod tests;

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

pub use error::ConfigError;

use crate::builder::Builder;
use crate::journal::LogStyle;

/// The whole file. A section exists only with its service's feature.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    #[serde(deserialize_with = "host")]
    host: Option<String>,
    advertise: Option<String>,
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
    faults: Vec<faults::RequestFault>,
    #[cfg(feature = "webpubsub")]
    socket_faults: Vec<webpubsub::WebSocketFault>,
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
        Ok(Config::parse(toml)?.apply(self))
    }
}

impl Config {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::of(&error, text))
    }

    fn apply(self, mut builder: Builder) -> Builder {
        if let Some(host) = &self.host {
            builder = builder.host(host);
        }
        if let Some(url) = &self.advertise {
            builder = builder.advertise(url);
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
        builder.arrange(move |emulator| {
            let faults = emulator.faults();
            #[cfg(feature = "webpubsub")]
            {
                self.webpubsub.arrange(&emulator.webpubsub())?;
                self.socket_faults.iter().for_each(|fault| fault.arrange(&faults));
            }
            #[cfg(feature = "eventgrid")]
            self.eventgrid.arrange(&emulator.eventgrid())?;
            #[cfg(feature = "hulft")]
            self.hulft.arrange(&emulator.hulft(), emulator.clock().now())?;
            self.faults.iter().for_each(|fault| fault.arrange(&faults));
            Ok(())
        })
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

fn max_connections<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(rules::count(deserializer)?.and_then(|count| usize::try_from(count).ok()))
}

fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let port: i64 = rules::within(deserializer, &(0..=u16::MAX.into()))?;
    Ok(u16::try_from(port).ok())
}
