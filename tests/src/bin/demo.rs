//! `cargo xtask demo`: reads the arguments, starts the emulator, runs the demo.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use lexopt::prelude::*;
use service_core::BoxError;
use service_emulator::Emulator;
use workspace_tests::demo::{EventGridTarget, Targets, run};

const HELP: &str = "\
Calls five operations through the clients and prints each request, its response, and its effect. Exits non-zero unless every
effect was observed.

Usage: cargo xtask demo [OPTIONS]

Without options, all three services are the emulator, started in this process. An option points one of them at the real
service. The demo then asks before it closes, rejects, or disconnects anything.

  --webpubsub CONNECTION_STRING   Web PubSub: its connection string, or `-` to read it from WEBPUBSUB_CONNECTION_STRING
  --hub HUB                       the hub to connect to [default: demo]
  --eventgrid HOST                Event Grid: the namespace's host name; the key is read from EVENTGRID_NAMESPACES_KEY
  --topic TOPIC                   a topic of the namespace
  --subscription NAME             a queue subscription of the topic, preferably unused
  --hulft                         HULFT-WebConnect: the API key is read from HULFT_WEBCONNECT_API_KEY
  --session ID                    the session ID of an agent that may be disconnected; required twice
  -h, --help                      print this help
";

#[tokio::main]
async fn main() -> ExitCode {
    let targets = match arguments() {
        Ok(Some(targets)) => targets,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("demo: {error}\nTry `cargo xtask demo --help`.");
            return ExitCode::from(2);
        }
    };
    match run_all(&targets).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run_all(targets: &Targets) -> Result<(), BoxError> {
    let emulator = Emulator::start().await?;
    run(&emulator, targets, &mut ask, &mut std::io::stdout()).await
}

fn ask(question: &str) -> bool {
    print!("\n{question} [y/N] ");
    let mut response = String::new();
    let _ = std::io::stdout().flush();
    std::io::stdin().lock().read_line(&mut response).is_ok() && matches!(response.trim(), "y" | "Y" | "yes")
}

fn arguments() -> Result<Option<Targets>, BoxError> {
    let mut targets = Targets::default();
    let (mut endpoint, mut topic, mut subscription) = (None, None, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("webpubsub") => {
                let text = parser.value()?.string()?;
                targets.webpubsub =
                    Some(if text == "-" { secret("WEBPUBSUB_CONNECTION_STRING")? } else { text.into() });
            }
            Long("hub") => targets.hub = Some(parser.value()?.string()?),
            Long("eventgrid") => endpoint = Some(parser.value()?.string()?),
            Long("topic") => topic = Some(parser.value()?.string()?),
            Long("subscription") => subscription = Some(parser.value()?.string()?),
            Long("hulft") => targets.hulft = Some(secret("HULFT_WEBCONNECT_API_KEY")?),
            Long("session") => targets.sessions.push(parser.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    targets.eventgrid = match (endpoint, topic, subscription) {
        (None, None, None) => None,
        (Some(endpoint), Some(topic), Some(subscription)) => {
            Some(EventGridTarget { endpoint, key: secret("EVENTGRID_NAMESPACES_KEY")?, topic, subscription })
        }
        _ => return Err("--eventgrid, --topic and --subscription go together".into()),
    };
    Ok(Some(targets))
}

fn secret(variable: &str) -> Result<service_core::Secret, BoxError> {
    std::env::var(variable)
        .map(Into::into)
        .map_err(|_| format!("the environment variable {variable} is not set").into())
}
