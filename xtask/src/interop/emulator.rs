//! The emulator as a separate program, and programs that receive its address.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::process::{self, Running};
use crate::workspace;

/// The hubs with an event handler: two of the webhook script, one of them with a handler that allows only another origin, and
/// those of the clients.
const HUBS: [&str; 4] = ["webhook", "foreign", "jsclient", "pyclient"];
/// Where Node, Python's HTTP clients, and its WebSocket client look for certificate authorities.
const CA_VARIABLES: [&str; 3] = ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"];

/// A running emulator.
pub(super) struct Emulator {
    _running: Running,
    /// The `NAME=value` lines that it prints.
    environment: Vec<(String, String)>,
}

impl Emulator {
    /// Starts the built program with these arguments and waits until it is ready.
    pub(super) fn start(args: &[&OsStr]) -> Result<Self> {
        let program = format!("debug/service-emulator{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(workspace::target_directory()?.join(program));
        // Its log would hide the report of the programs under test.
        command.args(["--log", "off"]).args(args);
        let (mut running, mut environment) = (Running::start(command)?, Vec::new());
        loop {
            let line = running.read_line()?;
            match line.split_once('=') {
                Some(("SERVICE_EMULATOR_CA", file)) => {
                    environment.extend(CA_VARIABLES.map(|name| (name.to_owned(), file.to_owned())));
                }
                Some((name, value)) => environment.push((name.to_owned(), value.to_owned())),
                None if line == "ready" => return Ok(Self { _running: running, environment }),
                None => {}
            }
        }
    }

    /// Starts an emulator that calls a port without a listener so far, and passes that port as `WEBHOOK_PORT`.
    pub(super) fn with_webhooks(scratch: &Path) -> Result<Self> {
        let file = scratch.join("webhook.toml");
        // Released at once: the handler binds it a moment later, and the system does not assign a port twice in a row.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let port = free.map_err(Failure::at("free port"))?.port();
        fs::write(&file, settings(port)).map_err(Failure::at(file.display()))?;
        let mut emulator = Self::start(&[OsStr::new("--config"), file.as_os_str()])?;
        emulator.environment.push(("WEBHOOK_PORT".to_owned(), port.to_string()));
        Ok(emulator)
    }

    /// Runs a program with the emulator's address in its environment and returns its output.
    pub(super) fn read(&self, mut command: Command) -> Result<String> {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        process::read(command)
    }
}

/// The configuration file of an emulator whose hubs have an event handler at this port.
fn settings(port: u16) -> String {
    let hub = |name| {
        format!(
            "[[webpubsub.hubs]]\nname = \"{name}\"\n\n[[webpubsub.hubs.event_handlers]]\n\
             url = \"http://127.0.0.1:{port}/{{hub}}/{{event}}\"\n\
             system_events = [\"connect\", \"connected\", \"disconnected\", \"groupJoined\", \"groupLeft\"]\n"
        )
    };
    HUBS.map(hub).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hub_has_a_handler_at_the_port_that_takes_every_event() {
        let settings = settings(8080);
        for hub in HUBS {
            assert!(settings.contains(&format!("[[webpubsub.hubs]]\nname = \"{hub}\"\n")), "{settings}");
        }
        assert_eq!(settings.matches("url = \"http://127.0.0.1:8080/{hub}/{event}\"\n").count(), HUBS.len());
        assert_eq!(settings.matches("\"groupLeft\"").count(), HUBS.len());
    }
}
