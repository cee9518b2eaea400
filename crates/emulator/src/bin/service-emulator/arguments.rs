//! Parses the command line, and contains the help text.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value, ValueExt as _};
use service_emulator::{Builder, LogStyle};

use super::health::Probe;

const HELP: &str = include_str!("help.txt");
const SAMPLE: &str = include_str!("../../../emulator.sample.toml");

pub(super) enum Task {
    Run(Arguments),
    Print(String),
    Probe(Probe),
}

/// The options that were given. Missing ones come from the settings file, and then from the defaults.
#[derive(Default)]
pub(super) struct Arguments {
    /// `-` means standard input.
    pub(super) config: Option<PathBuf>,
    pub(super) ready: Ready,
    host: Option<String>,
    advertise: Option<String>,
    control_token: Option<String>,
    show_payloads: bool,
    port: Option<u16>,
    sample_data: Option<bool>,
    tls: Option<bool>,
    tls_ca: Option<PathBuf>,
    log: Option<LogStyle>,
    max_connections: Option<usize>,
}

/// What is printed once requests are served.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ready {
    /// `NAME=value` lines, then `ready`.
    #[default]
    Lines,
    /// One line of JSON.
    Json,
}

pub(super) fn read(mut parser: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut arguments = Arguments::default();
    let mut first = true;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(command) if first && command == "health" => return probe(parser).map(Task::Probe),
            Long("ready") => arguments.ready = parser.value()?.parse_with(ready)?,
            Long("config") => arguments.config = Some(parser.value()?.into()),
            Long("host") => arguments.host = Some(parser.value()?.string()?),
            Long("advertise") => arguments.advertise = Some(parser.value()?.string()?),
            Long("control-token") => arguments.control_token = Some(secret(parser.value()?)?),
            Long("show-payloads") => arguments.show_payloads = true,
            Long("port") => arguments.port = Some(parser.value()?.parse()?),
            Long("sample-data") => arguments.sample_data = Some(true),
            Long("no-sample-data") => arguments.sample_data = Some(false),
            Long("tls") => arguments.tls = Some(true),
            Long("no-tls") => arguments.tls = Some(false),
            Long("tls-ca") => {
                arguments.tls_ca = Some(parser.value()?.into());
                arguments.tls = Some(true);
            }
            Long("log") => arguments.log = Some(parser.value()?.parse()?),
            Long("max-connections") => arguments.max_connections = Some(parser.value()?.parse()?),
            Long("print-config") => return Ok(Task::Print(SAMPLE.to_owned())),
            Short('h') | Long("help") => return Ok(Task::Print(HELP.to_owned())),
            Short('V') | Long("version") => {
                return Ok(Task::Print(
                    concat!("service-emulator ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
                ));
            }
            other => return Err(other.unexpected()),
        }
        first = false;
    }
    Ok(Task::Run(arguments))
}

/// The arguments after `health`.
fn probe(mut parser: lexopt::Parser) -> Result<Probe, lexopt::Error> {
    let mut probe = Probe::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(url) if probe.url.is_none() => probe.url = Some(url.string()?),
            Long("port") => probe.port = Some(parser.value()?.parse()?),
            Long("tls-ca") => probe.tls_ca = Some(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    // As for the emulator in the same container.
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if probe.url.is_none() && probe.port.is_none() {
        probe.port =
            variable("SERVICE_EMULATOR_PORT").map(|port| OsString::from(port).parse()).transpose()?;
    }
    probe.tls_ca = probe.tls_ca.or_else(|| variable("SERVICE_EMULATOR_TLS_CA").map(PathBuf::from));
    Ok(probe)
}

/// A text that an error must not repeat. The emulator checks it when it starts.
fn secret(value: OsString) -> Result<String, &'static str> {
    value.into_string().map_err(|_| "the control token must be 8 to 256 visible ASCII characters")
}

fn ready(text: &str) -> Result<Ready, &'static str> {
    match text {
        "lines" => Ok(Ready::Lines),
        "json" => Ok(Ready::Json),
        _ => Err("must be lines or json"),
    }
}

impl Arguments {
    pub(super) fn apply(&self, mut builder: Builder) -> Builder {
        if let Some(host) = &self.host {
            builder = builder.host(host);
        }
        if let Some(url) = &self.advertise {
            builder = builder.advertise(url);
        }
        if let Some(token) = &self.control_token {
            builder = builder.control_token(token);
        }
        if self.show_payloads {
            builder = builder.show_payloads(true);
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
}
