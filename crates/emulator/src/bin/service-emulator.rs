//! The emulator as a program, for tests in any language and for trying things out: prints where the services are, then
//! `ready`, and runs until it is interrupted.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, ValueExt as _};
use service_emulator::Emulator;

const HELP: &str = "\
Emulates Azure Web PubSub, Azure Event Grid Namespaces and HULFT-WebConnect on one port.

Usage: service-emulator [--port N] [--host ADDR] [--no-sample-data]

Options:
  --port N          port to listen on; 0, the default, takes a free one
  --host ADDR       address to listen on; 127.0.0.1 by default
  --no-sample-data  start without the sample data of HULFT-WebConnect
  -h, --help        print this
  -V, --version     print the version

Prints NAME=value lines with addresses and keys, then `ready`. Ends with Ctrl-C.
";

/// What the command line asks for.
enum Task {
    Run(Options),
    Print(String),
}

struct Options {
    host: IpAddr,
    port: u16,
    sample_data: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match read(lexopt::Parser::from_env()) {
        Ok(Task::Run(options)) => run(&options).await,
        Ok(Task::Print(text)) => print(&text),
        Err(error) => {
            eprintln!("service-emulator: {error}; --help shows the usage");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("service-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut arguments: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut options = Options { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, sample_data: true };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => options.port = arguments.value()?.parse()?,
            Long("host") => options.host = arguments.value()?.parse()?,
            Long("no-sample-data") => options.sample_data = false,
            Short('h') | Long("help") => return Ok(Task::Print(HELP.to_owned())),
            Short('V') | Long("version") => {
                return Ok(Task::Print(
                    concat!("service-emulator ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
                ));
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Task::Run(options))
}

async fn run(options: &Options) -> std::io::Result<()> {
    let Options { host, port, sample_data } = *options;
    let builder = Emulator::builder().host(host).port(port).sample_data(sample_data);
    let emulator = builder.start().await.map_err(|error| {
        std::io::Error::new(error.kind(), format!("cannot listen on {host} port {port}: {error}"))
    })?;
    let mut text = String::new();
    for (name, value) in emulator.environment() {
        text += &format!("{name}={value}\n");
    }
    print(&(text + "ready\n"))?;
    tokio::signal::ctrl_c().await?;
    emulator.shutdown().await;
    Ok(())
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
