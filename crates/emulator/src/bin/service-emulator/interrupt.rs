//! Waits for Ctrl-C and, on Unix, for SIGTERM, which `kill` and container engines send.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// Listens for signals from its creation on.
pub(super) struct Interrupt {
    #[cfg(unix)]
    signals: [Signal; 2],
    #[cfg(windows)]
    ctrl_c: CtrlC,
}

#[cfg(unix)]
impl Interrupt {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
    }

    pub(super) async fn wait(mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
impl Interrupt {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { ctrl_c: ctrl_c()? })
    }

    pub(super) async fn wait(mut self) {
        self.ctrl_c.recv().await;
    }
}
