//! The return to the state at the start: of the whole emulator, or of one service.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};

use crate::config::Settings;
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::journal::{Journal, LogStyle};
use crate::message::Service;
use crate::server::Shared;
use crate::services::Services;

/// What the services start with.
#[derive(Clone, Default)]
pub(crate) struct Arrangements {
    pub(crate) sample_data: bool,
    /// The settings file, and those of environment variables. The functions apply both.
    pub(crate) file: Option<Settings>,
    pub(crate) variables: Option<Settings>,
    pub(crate) functions: Vec<Arc<Arrangement>>,
}

pub(crate) type Arrangement = dyn Fn(&Emulator) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync;

impl Arrangements {
    pub(crate) fn apply(&self, emulator: &Emulator) -> io::Result<()> {
        for function in &self.functions {
            function(emulator).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Arrangements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Arrangements").field(&self.functions.len()).finish()
    }
}

/// Resets the emulator, so that tests can share one.
impl Emulator {
    /// Returns all services to their state at the start, and forgets faults and requests.
    ///
    /// WebSockets are closed, and pending receives return an empty response. Then the sample data is loaded, and the
    /// settings file and the functions of [`Builder::arrange`](crate::Builder::arrange) are applied again. The clock is
    /// not set back. Added certificate authorities remain.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidInput`](io::ErrorKind::InvalidInput) if a function of
    /// [`Builder::arrange`](crate::Builder::arrange) fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use service_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start().await?;
    /// emulator.eventgrid().declare("orders", "billing");
    /// emulator.faults().push(Fault::status(503));
    /// emulator.reset()?;
    /// assert!(emulator.eventgrid().topics().is_empty());
    /// assert_eq!(emulator.faults().pending(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) -> io::Result<()> {
        let Shared { faults, log, journal, services, arrangements, .. } = &*self.shared;
        faults.clear();
        for service in services.all() {
            service.reset(arrangements.sample_data);
        }
        log.clear();
        journal.clear();
        arrangements.apply(self)
    }

    /// Returns one service to its state at the start, as [`reset`](Self::reset) does. The other services, faults, and the
    /// recorded requests are not affected.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Unsupported`](io::ErrorKind::Unsupported) if this build lacks the service, and the errors
    /// of [`reset`](Self::reset).
    pub fn reset_service(&self, service: Service) -> io::Result<()> {
        let Shared { services, arrangements, .. } = &*self.shared;
        let all = services.all();
        let Some(found) = all.iter().find(|one| one.service() == service) else {
            let message = format!("this build lacks the service {}", service.name());
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        };
        found.reset(arrangements.sample_data);
        arrangements.apply(&self.with_only(service))
    }

    /// A handle to an emulator that shares only this service. Everything else that a function arranges in it is lost.
    fn with_only(&self, service: Service) -> Self {
        let Shared { endpoint, tls, clock, services, guard, arrangements, max_connections, .. } =
            &*self.shared;
        let (faults, journal) = (Faults::default(), Arc::new(Journal::new(clock.clone(), LogStyle::Off)));
        let others = Services::new(clock, endpoint, &faults, &journal, false);
        // Before they have settings: a webhook must not be called for a subscription that is lost.
        others.all().iter().for_each(|other| other.abort());
        let shared = Shared {
            endpoint: endpoint.clone(),
            tls: tls.clone(),
            clock: clock.clone(),
            faults,
            log: crate::server::Log::default(),
            journal,
            services: others.with(service, services),
            guard: guard.clone(),
            arrangements: arrangements.clone(),
            max_connections: *max_connections,
            handle: OnceLock::new(),
        };
        Self { shared: Arc::new(shared), running: Arc::clone(&self.running), ca_file: self.ca_file.clone() }
    }
}
