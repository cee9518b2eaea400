//! Parses the command line, and contains the help text.

use std::path::PathBuf;

use lexopt::prelude::{Long, Short, ValueExt as _};
use service_emulator::{Builder, LogStyle};

const HELP: &str = include_str!("help.txt");
const SAMPLE: &str = include_str!("../../../emulator.sample.toml");

pub(super) enum Task {
    Run(Arguments),
    Print(String),
}

/// The options that were given. Missing ones come from the settings file, and then from the defaults.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) config: Option<PathBuf>,
    host: Option<String>,
    advertise: Option<String>,
    port: Option<u16>,
    sample_data: Option<bool>,
    tls: Option<bool>,
    tls_ca: Option<PathBuf>,
    log: Option<LogStyle>,
    max_connections: Option<usize>,
}

pub(super) fn read(mut parser: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut arguments = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") => arguments.config = Some(parser.value()?.into()),
            Long("host") => arguments.host = Some(parser.value()?.string()?),
            Long("advertise") => arguments.advertise = Some(parser.value()?.string()?),
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
    }
    Ok(Task::Run(arguments))
}

impl Arguments {
    pub(super) fn apply(&self, mut builder: Builder) -> Builder {
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
        builder
    }
}
