//! The single port: reads requests, routes them to the services, and writes responses.

mod accept;
mod connection;
mod endpoint;
mod io;
mod log;
mod request;
mod response;
mod route;
mod tls;

use std::sync::Arc;

pub(crate) use accept::Running;
pub(crate) use endpoint::Endpoint;
pub use log::Received;
pub(crate) use request::{Reply, Request};
pub(crate) use response::Answer;
#[cfg(feature = "webpubsub")]
pub(crate) use response::{Upgrade, Upgraded};
pub use route::Service;
pub(crate) use route::Services;
pub(crate) use tls::Tls;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;
use log::Log;

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
}

impl Shared {
    pub(crate) fn new(
        endpoint: Endpoint,
        tls: Option<Tls>,
        clock: Clock,
        faults: Faults,
        journal: Arc<Journal>,
        services: Services,
    ) -> Self {
        Self { endpoint, tls, clock, faults, log: Log::default(), journal, services }
    }
}
