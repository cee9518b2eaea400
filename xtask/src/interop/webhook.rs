//! The emulator with event handlers that another program serves.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use super::emulator::Emulator;
use crate::failure::{Failure, Result};

/// The hubs of the script: one whose handler accepts the emulator's calls, and one whose handler allows only another origin.
const HUBS: [&str; 2] = ["webhook", "foreign"];

/// Starts an emulator that calls a port without a listener so far, and passes that port as `WEBHOOK_PORT`.
pub(super) fn start(scratch: &Path) -> Result<Emulator> {
    let file = scratch.join("webhook.toml");
    let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", file.display()));
    // Released at once: the handler binds it a moment later, and the system does not assign a port twice in a row.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|free| free.local_addr())
        .map_err(failed)?
        .port();
    fs::write(&file, settings(port)).map_err(failed)?;
    let emulator = Emulator::start(&[OsStr::new("--config"), file.as_os_str()])?;
    Ok(emulator.with_env("WEBHOOK_PORT", port.to_string()))
}

/// The emulator's configuration file.
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
