//! The emulator as a program, for tests in any language and for experiments. It prints the addresses and keys of the
//! services, then `ready`, and runs until it is interrupted.

mod arguments;
mod files;
mod health;
mod interrupt;
mod reload;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arguments::{Arguments, Ready, Task};
use interrupt::Interrupt;
use reload::Reload;
use service_emulator::{Builder, Emulator, LogStyle};

/// Why the program exits early: its arguments or settings are invalid, or an operation failed.
enum Failure {
    Usage(String),
    Failed(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match arguments::read(lexopt::Parser::from_env()) {
        Ok(Task::Run(arguments)) => run(&arguments).await,
        Ok(Task::Probe(probe)) => {
            probe.run().map_err(|error| Failure::Failed(format!("not healthy: {error}")))
        }
        Ok(Task::Print(text)) => print(&text).map_err(Failure::from),
        Err(error) => Err(Failure::Usage(format!("{error}; --help shows the usage"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("service-emulator: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("service-emulator: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let ca_file = std::env::temp_dir().join(format!("service-emulator-{}-ca.pem", std::process::id()));
    let file = settings_file(arguments);
    let builder = configured(arguments, file.as_deref(), &ca_file)?;
    // Created before `ready` is printed, because the reader may interrupt the program right away.
    let (interrupt, reload) = (Interrupt::new()?, Reload::new()?);
    files::raise_limit();
    let emulator = builder.start().await?;
    print(&announcement(&emulator, arguments.ready))?;
    // Standard input cannot be read again.
    let file = file.filter(|file| file != Path::new("-"));
    tokio::select! {
        () = interrupt.wait() => {}
        () = reload.serve(&emulator, file.as_deref()) => {}
    }
    emulator.shutdown().await;
    if emulator.ca_file() == Some(&ca_file) {
        // The default file, which is useless once its authority is gone. A file that the user named stays.
        std::fs::remove_file(&ca_file)?;
    }
    Ok(())
}

fn announcement(emulator: &Emulator, style: Ready) -> String {
    let variables = emulator.environment();
    match style {
        Ready::Lines => {
            let lines = variables.iter().map(|(name, value)| format!("{name}={value}\n"));
            lines.collect::<String>() + "ready\n"
        }
        Ready::Json => {
            let variables: BTreeMap<_, _> = variables.into_iter().collect();
            let all = serde_json::json!({
                "ready": true,
                "endpoint": emulator.endpoint(),
                "environment": variables,
            });
            format!("{all}\n")
        }
    }
}

fn settings_file(arguments: &Arguments) -> Option<PathBuf> {
    let variable = || std::env::var_os("SERVICE_EMULATOR_CONFIG").filter(|path| !path.is_empty());
    arguments.config.clone().or_else(|| variable().map(PathBuf::from))
}

/// Applies the program's defaults, then the settings file, the environment, and the flags: later settings win.
fn configured(arguments: &Arguments, file: Option<&Path>, ca_file: &Path) -> Result<Builder, Failure> {
    let builder = Emulator::builder().sample_data(true).request_log(LogStyle::Auto).tls_ca_file(ca_file);
    let mut builder = builder.arrange(|emulator| {
        #[cfg(feature = "webpubsub")]
        // The official Python client misses acks that arrive within microseconds.
        emulator.webpubsub().set_ack_delay(std::time::Duration::from_millis(10));
        #[cfg(not(feature = "webpubsub"))]
        let _ = emulator;
        Ok(())
    });
    if let Some(path) = file {
        let name = if path == Path::new("-") { "standard input".into() } else { path.to_string_lossy() };
        let text = if path == Path::new("-") {
            io::read_to_string(io::stdin())
        } else {
            std::fs::read_to_string(path)
        };
        let text = text.map_err(|error| Failure::Failed(format!("could not read {name}: {error}")))?;
        builder = builder.config(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    }
    // A variable that is not UTF-8 is none of the settings.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    builder = builder.variables(variables).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(arguments.apply(builder))
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
