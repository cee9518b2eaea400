//! What can be chosen before the emulator starts, and its start.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::server::{Running, Services, Shared};

/// What can be chosen before an [`Emulator`] starts; made by [`Emulator::builder`].
#[derive(Clone)]
#[must_use = "does nothing until started"]
pub struct Builder {
    host: IpAddr,
    port: u16,
    sample_data: bool,
    arrangements: Vec<Arc<Arrangement>>,
}

type Arrangement = dyn Fn(&Emulator) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync;

impl Builder {
    pub(crate) fn new() -> Self {
        Self { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, sample_data: false, arrangements: Vec::new() }
    }

    /// The port to listen on; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address to listen on, 127.0.0.1 by default. The access keys are well known, so anything but loopback lets
    /// others in.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// Whether HULFT-WebConnect starts with agents, connections, logs and the like, as the program does; off by default.
    pub fn sample_data(mut self, on: bool) -> Self {
        self.sample_data = on;
        self
    }

    /// Does this before the first request is answered, once the address is known: declare topics, add event handlers,
    /// change keys, push faults. Several are done in their order, after the sample data. An error ends the start.
    ///
    /// ```
    /// # async fn example() -> std::io::Result<()> {
    /// use service_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::builder().arrange(|emulator| {
    ///     emulator.faults().push(Fault::status(503).times(3));
    ///     Ok(())
    /// });
    /// let emulator = emulator.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn arrange(
        mut self,
        arrangement: impl Fn(&Emulator) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        self.arrangements.push(Arc::new(arrangement));
        self
    }

    /// Takes settings from a text in [TOML](https://toml.io), in the form of the package's `emulator.sample.toml`. What
    /// the text names takes the place of what was set before; setters called later win.
    ///
    /// # Errors
    /// When the text is no TOML, names a key that does not exist, or a value breaks a rule: with the line, and the keys
    /// that there are or the rule. No key of a service is repeated.
    pub fn config(self, toml: &str) -> Result<Self, ConfigError> {
        Ok(Config::parse(toml)?.apply(self))
    }

    /// Binds the port and starts to answer.
    ///
    /// # Errors
    /// When the address cannot be bound: in use, or not one of this machine; of the kind `InvalidInput` when an
    /// [arrangement](Self::arrange) fails.
    pub async fn start(self) -> io::Result<Emulator> {
        let Self { host, port, .. } = self;
        let listener = TcpListener::bind((host, port)).await.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {host} port {port}: {error}"))
        })?;
        let address = listener.local_addr()?;
        let clock = Clock::new();
        let faults = Faults::default();
        let services = Services::new(&clock, address, &faults);
        #[cfg(feature = "hulft")]
        if self.sample_data {
            services.hulft.add_sample_data();
        }
        let shared = Arc::new(Shared::new(address, clock, faults, services));
        let emulator = Emulator { shared: Arc::clone(&shared), running: Arc::new(Running::new()) };
        for arrangement in &self.arrangements {
            arrangement(&emulator).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        }
        emulator.running.serve(listener, shared).await;
        Ok(emulator)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("sample_data", &self.sample_data)
            .field("arrangements", &self.arrangements.len())
            .finish()
    }
}
