//! The emulator with event handlers, which another program is to serve.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use super::emulator::Emulator;
use crate::failure::{Failure, Result};

/// The hubs of the script: one whose handler takes the emulator's calls, and one whose handler allows another origin only.
const HUBS: [&str; 2] = ["webhook", "foreign"];

/// Starts an emulator that calls a port which nobody listens to yet, and tells that port as `WEBHOOK_PORT`.
pub(super) fn start(scratch: &Path) -> Result<Emulator> {
    let file = scratch.join("webhook.toml");
    let told = |error: std::io::Error| Failure::failed(format!("{}: {error}", file.display()));
    // Given back at once: the handler takes it a moment later, and no port is given twice in a row.
    let port =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).map_err(told)?.port();
    fs::write(&file, settings(port)).map_err(told)?;
    let emulator = Emulator::start(&[OsStr::new("--config"), file.as_os_str()])?;
    Ok(emulator.tell("WEBHOOK_PORT", port.to_string()))
}

/// The emulator's file of settings.
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
