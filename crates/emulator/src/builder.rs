//! What can be chosen before the emulator starts, and its start.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::journal::{Journal, LogStyle};
use crate::server::{Endpoint, Running, Services, Shared, Tls};

/// What can be chosen before an [`Emulator`] starts; made by [`Emulator::builder`].
#[derive(Clone)]
#[must_use = "does nothing until started"]
pub struct Builder {
    host: IpAddr,
    port: u16,
    sample_data: bool,
    tls: bool,
    ca_file: Option<PathBuf>,
    log: LogStyle,
    arrangements: Vec<Arc<Arrangement>>,
}

type Arrangement = dyn Fn(&Emulator) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync;

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            sample_data: false,
            tls: false,
            ca_file: None,
            log: LogStyle::Off,
            arrangements: Vec::new(),
        }
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

    /// Whether it is reached over TLS only, `https` and `wss`; off by default. Each start makes a certificate authority of
    /// its own, which has signed one certificate, for `localhost`, the loopback addresses and the address it listens on.
    /// Clients have to be told to trust [`Emulator::ca_certificate`]. No private key leaves the memory.
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// With [TLS](Self::tls), writes the authority's certificate to this file, as PEM, for programs that take it from one;
    /// none by default. A file that is there is replaced.
    pub fn tls_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Whether each request, each end of a WebSocket and each call to a webhook is told in a line on standard error: time,
    /// service, method, status, duration, path and query, without secrets. Off by default; the program has it on.
    pub fn request_log(mut self, style: LogStyle) -> Self {
        self.log = style;
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
    /// When the address cannot be bound: in use, or not one of this machine; when the authority's file cannot be written;
    /// of the kind `InvalidInput` when an [arrangement](Self::arrange) fails.
    pub async fn start(self) -> io::Result<Emulator> {
        let Self { host, port, .. } = self;
        let listener = TcpListener::bind((host, port)).await.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {host} port {port}: {error}"))
        })?;
        let address = listener.local_addr()?;
        let clock = Clock::new();
        let faults = Faults::default();
        let journal = Arc::new(Journal::new(clock.clone(), self.log));
        let tls =
            self.tls.then(|| Tls::new(address.ip(), clock.now())).transpose().map_err(io::Error::other)?;
        let endpoint = Endpoint { address, secure: tls.is_some() };
        let services = Services::new(&clock, endpoint, &faults, &journal);
        #[cfg(feature = "hulft")]
        if self.sample_data {
            services.hulft.add_sample_data();
        }
        let ca_file =
            tls.as_ref().map(|tls| write_ca(self.ca_file.as_deref(), &tls.authority)).transpose()?;
        let shared = Arc::new(Shared::new(endpoint, tls, clock, faults, journal, services));
        let running = Arc::new(Running::new());
        let emulator = Emulator { shared: Arc::clone(&shared), running, ca_file: ca_file.flatten() };
        for arrangement in &self.arrangements {
            arrangement(&emulator).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        }
        emulator.running.serve(listener, shared).await;
        Ok(emulator)
    }
}

fn write_ca(path: Option<&Path>, certificate: &str) -> io::Result<Option<Arc<Path>>> {
    let Some(path) = path else { return Ok(None) };
    std::fs::write(path, certificate)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))?;
    Ok(Some(path.into()))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("sample_data", &self.sample_data)
            .field("tls", &self.tls)
            .field("ca_file", &self.ca_file)
            .field("log", &self.log)
            .field("arrangements", &self.arrangements.len())
            .finish()
    }
}
