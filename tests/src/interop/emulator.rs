//! The emulator as a separate program, for scripts that receive its address in their environment.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use service_core::BoxError;

/// The hubs with an event handler, and the path of the handler: two of the webhook script, one of them with a handler that
/// allows only another origin, those of the clients, and two at the default path of the SDK.
const HUBS: [(&str, &str); 6] = [
    ("webhook", ""),
    ("foreign", ""),
    ("jsclient", ""),
    ("pyclient", ""),
    ("plain", "/api/webpubsub/hubs"),
    ("chat", "/api/webpubsub/hubs"),
];
/// Where Node, Python's HTTP clients, and its WebSocket client look for certificate authorities.
const CA_VARIABLES: [&str; 4] =
    ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "WEBSOCKET_CLIENT_CA_BUNDLE"];

/// A running emulator, which ends on drop.
pub(super) struct Emulator {
    process: Option<Child>,
    /// The `NAME=value` lines that it prints.
    environment: Vec<(String, String)>,
}

impl Emulator {
    /// Starts the program with these arguments and waits until it is ready.
    pub(super) fn start(program: &Path, args: &[&OsStr]) -> Result<Self, BoxError> {
        let mut command = Command::new(program);
        // Its log would hide what the scripts say.
        command.args(["--log", "off"]).args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let output = process.stdout.take();
        let mut emulator = Self { process: Some(process), environment: Vec::new() };
        for line in BufReader::new(output.ok_or("no standard output")?).lines() {
            match line?.split_once('=') {
                Some(("SERVICE_EMULATOR_CA", file)) => {
                    emulator.environment.extend(CA_VARIABLES.map(|name| (name.to_owned(), file.to_owned())));
                }
                Some((name, value)) => emulator.environment.push((name.to_owned(), value.to_owned())),
                None => return Ok(emulator),
            }
        }
        Err(format!("{} ended early", program.display()).into())
    }

    /// Starts an emulator that calls a port without a listener so far, and passes that port as `WEBHOOK_PORT`.
    pub(super) fn with_webhooks(program: &Path, scratch: &Path) -> Result<Self, BoxError> {
        let file = scratch.join("webhook.toml");
        // Released at once: the handler binds it a moment later, and the system does not assign a port twice in a row.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        fs::write(&file, settings(port)).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut emulator = Self::start(program, &["--config".as_ref(), file.as_os_str()])?;
        emulator.environment.push(("WEBHOOK_PORT".to_owned(), port.to_string()));
        Ok(emulator)
    }

    /// The variables that tell a script where the emulator is.
    pub(super) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    #[cfg(test)]
    pub(super) fn named(environment: &[(&str, &str)]) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self { process: None, environment: environment.iter().map(owned).collect() }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Fails if it has ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The configuration file of an emulator whose hubs have an event handler at this port.
fn settings(port: u16) -> String {
    let hub = |(name, path)| {
        format!(
            "[[webpubsub.hubs]]\nname = \"{name}\"\n\n[[webpubsub.hubs.event_handlers]]\n\
             url = \"http://127.0.0.1:{port}{path}/{{hub}}/{{event}}\"\n\
             system_events = [\"connect\", \"connected\", \"disconnected\", \"groupJoined\", \"groupLeft\"]\n"
        )
    };
    HUBS.map(hub).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hub_has_a_handler_at_the_port_that_receives_every_event() {
        let settings = settings(8080);
        for (hub, path) in HUBS {
            assert!(settings.contains(&format!("[[webpubsub.hubs]]\nname = \"{hub}\"\n")), "{settings}");
            assert!(settings.contains(&format!("url = \"http://127.0.0.1:8080{path}/{{hub}}/{{event}}\"\n")));
        }
        assert_eq!(settings.matches("\"groupLeft\"").count(), HUBS.len());
    }
}
