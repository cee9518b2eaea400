//! The emulator as a program, for tests in any language and for experiments. It prints the addresses and keys of the
//! services, then `ready`, and runs until it is interrupted.

mod arguments;
mod files;
mod interrupt;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, Task};
use interrupt::Interrupt;
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
    let builder = configured(arguments, &ca_file)?;
    // Created before `ready` is printed, because the reader may interrupt the program right away.
    let interrupt = Interrupt::new()?;
    files::raise_limit();
    let emulator = builder.start().await?;
    let mut text = String::new();
    for (name, value) in emulator.environment() {
        text += &format!("{name}={value}\n");
    }
    print(&(text + "ready\n"))?;
    interrupt.wait().await;
    emulator.shutdown().await;
    if emulator.ca_file() == Some(&ca_file) {
        // The default file, which is useless once its authority is gone. A file that the user named stays.
        std::fs::remove_file(&ca_file)?;
    }
    Ok(())
}

/// Applies the program's defaults, then the settings file, then the flags: later settings win.
fn configured(arguments: &Arguments, ca_file: &Path) -> Result<Builder, Failure> {
    let builder = Emulator::builder().sample_data(true).request_log(LogStyle::Auto).tls_ca_file(ca_file);
    let mut builder = builder.arrange(|emulator| {
        #[cfg(feature = "webpubsub")]
        // The official Python client misses acks that arrive within microseconds.
        emulator.webpubsub().set_ack_delay(std::time::Duration::from_millis(10));
        #[cfg(not(feature = "webpubsub"))]
        let _ = emulator;
        Ok(())
    });
    if let Some(path) = &arguments.config {
        let file = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Failed(format!("could not read {file}: {error}")))?;
        builder = builder.config(&text).map_err(|error| Failure::Usage(format!("{file}: {error}")))?;
    }
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
