//! Reads the settings file again when SIGHUP asks for it. Clients stay connected.

use std::io;
use std::path::Path;

use service_emulator::Emulator;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for SIGHUP from its creation on.
pub(super) struct Reload {
    #[cfg(unix)]
    signal: Signal,
}

#[cfg(unix)]
impl Reload {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { signal: signal(SignalKind::hangup())? })
    }

    /// Applies the file at each signal. Each outcome is one line on standard error.
    pub(super) async fn serve(mut self, emulator: &Emulator, file: Option<&Path>) {
        while self.signal.recv().await.is_some() {
            let Some(file) = file else {
                eprintln!("service-emulator: there is no settings file to reload");
                continue;
            };
            let name = file.display();
            let text = match std::fs::read_to_string(file) {
                Ok(text) => text,
                Err(error) => {
                    eprintln!("service-emulator: could not read {name}: {error}");
                    continue;
                }
            };
            match emulator.reconfigure(&text) {
                Ok(()) => eprintln!("service-emulator: reloaded {name}"),
                Err(error) => eprintln!("service-emulator: did not reload {name}: {error}"),
            }
        }
    }
}

#[cfg(not(unix))]
impl Reload {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) async fn serve(self, _: &Emulator, _: Option<&Path>) {
        std::future::pending().await
    }
}
