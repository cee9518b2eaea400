//! What all connections of one emulator share.

use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};

use super::accept::Running;
use super::log::Log;
use super::tls::Tls;
use crate::clock::Clock;
use crate::control::Guard;
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::message::Endpoint;
use crate::page::State;
use crate::reset::Arrangements;
use crate::services::Services;

/// The state that all connections of one emulator share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) endpoint: Endpoint,
    pub(crate) tls: Option<Tls>,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) journal: Arc<Journal>,
    pub(crate) services: Services,
    pub(crate) guard: Guard,
    /// What the services start with, and what a reset restores.
    pub(crate) arrangements: Arrangements,
    pub(crate) max_connections: usize,
    pub(crate) handle: OnceLock<Handle>,
}

/// The parts of an [`Emulator`] that it does not share. Weak, because the server stops when the last handle is dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) running: Weak<Running>,
    pub(crate) ca_file: Option<Arc<Path>>,
}

impl Shared {
    /// What the status page shows.
    pub(crate) fn state(&self) -> State<'_> {
        State {
            endpoint: &self.endpoint,
            clock: &self.clock,
            faults: &self.faults,
            journal: &self.journal,
            services: &self.services,
        }
    }

    /// The handle that a user holds. `None` if the last one was dropped.
    pub(crate) fn emulator(self: &Arc<Self>) -> Option<Emulator> {
        let Handle { running, ca_file } = self.handle.get()?;
        Some(Emulator { shared: Arc::clone(self), running: running.upgrade()?, ca_file: ca_file.clone() })
    }
}
