//! What all connections of one emulator share.

use std::sync::Arc;

use super::log::Log;
use super::tls::Tls;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::message::Endpoint;
use crate::page::State;
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
    pub(super) max_connections: usize,
}

impl Shared {
    pub(crate) fn new(
        endpoint: Endpoint,
        tls: Option<Tls>,
        clock: Clock,
        faults: Faults,
        journal: Arc<Journal>,
        services: Services,
        max_connections: usize,
    ) -> Self {
        Self { endpoint, tls, clock, faults, log: Log::default(), journal, services, max_connections }
    }

    /// What the status page shows.
    pub(super) fn state(&self) -> State<'_> {
        State {
            endpoint: &self.endpoint,
            clock: &self.clock,
            faults: &self.faults,
            journal: &self.journal,
            services: &self.services,
        }
    }
}
