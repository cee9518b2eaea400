//! Settings of the emulator, and its start.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::control::{Guard, check_token};
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::history::History;
use crate::journal::{Journal, LogStyle};
use crate::message::{Endpoint, host};
use crate::reset::Arrangements;
use crate::server::{Handle, Log, Running, Shared, Tls, max_connections};
use crate::services::Services;

/// A builder that configures and starts an [`Emulator`].
///
/// Created by [`Emulator::builder`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use service_emulator::{Emulator, LogStyle};
///
/// let emulator = Emulator::builder().sample_data(true).request_log(LogStyle::Plain).start().await?;
/// assert!(emulator.endpoint().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "does nothing until started"]
pub struct Builder {
    host: String,
    advertised: Option<String>,
    port: u16,
    control_token: Option<String>,
    show_payloads: bool,
    tls: bool,
    ca_file: Option<PathBuf>,
    log: LogStyle,
    max_connections: Option<usize>,
    pub(crate) arrangements: Arrangements,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.to_string(),
            advertised: None,
            port: 0,
            control_token: None,
            show_payloads: false,
            tls: false,
            ca_file: None,
            log: LogStyle::Off,
            max_connections: None,
            arrangements: Arrangements::default(),
        }
    }

    /// Sets the port to listen on. Default: 0, which selects a free port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the address to listen on, or a name that is resolved to one. Default: 127.0.0.1.
    ///
    /// If a name has several addresses, IPv4 is preferred. The default access keys are public, so any other address
    /// than loopback gives others access.
    #[allow(clippy::needless_pass_by_value, reason = "callers pass addresses and texts alike")]
    pub fn host(mut self, host: impl ToString) -> Self {
        self.host = host.to_string();
        self
    }

    /// Sets the URL under which clients find the emulator, such as `http://emulator:8080` in a network of containers.
    /// Default: the address that it listens on, or loopback if it listens on all addresses.
    ///
    /// The URL appears in [`Emulator::endpoint`], in [`Emulator::environment`], and in client access URLs.
    pub fn advertise(mut self, url: impl Into<String>) -> Self {
        self.advertised = Some(url.into());
        self
    }

    /// Sets a token that requests to the control API must contain: `Authorization: Bearer <token>`. Default: none.
    ///
    /// It has 8 to 256 visible ASCII characters. Otherwise, [`start`](Self::start) fails.
    ///
    /// Without a token, the control API exists only if the emulator listens on a loopback address and does not
    /// [advertise](Self::advertise) another one. It is described in the section "Control API" of the crate's
    /// documentation.
    pub fn control_token(mut self, token: impl Into<String>) -> Self {
        self.control_token = Some(token.into());
        self
    }

    /// Sets whether the status page shows the payloads of the last REST sends and publishes.
    /// Default: `false`.
    pub fn show_payloads(mut self, on: bool) -> Self {
        self.show_payloads = on;
        self
    }

    /// Sets whether HULFT-WebConnect starts with sample agents, connections, logs, and so on. Default: `false`. The
    /// program `service-emulator` enables it.
    pub fn sample_data(mut self, on: bool) -> Self {
        self.arrangements.sample_data = on;
        self
    }

    /// Sets whether the emulator accepts TLS connections only (`https` and `wss`). Default: `false`.
    ///
    /// Each start creates a new certificate authority, which signs one certificate for `localhost`, the loopback
    /// addresses, and the address that the emulator listens on. Clients must trust [`Emulator::ca_certificate`].
    /// Private keys are never written to disk.
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// Sets a file to which the authority's certificate is written as PEM. Default: none.
    ///
    /// An existing file is replaced. Without [TLS](Self::tls), nothing is written.
    pub fn tls_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Sets how requests are logged on standard error. Default: [`LogStyle::Off`]. The program `service-emulator` uses
    /// [`LogStyle::Auto`].
    ///
    /// Each request, each closed WebSocket, and each call to a webhook is one line with the time, service, method,
    /// status, duration, path, and query. Secrets are masked.
    pub fn request_log(mut self, style: LogStyle) -> Self {
        self.log = style;
        self
    }

    /// Sets the maximum number of connections that are served at once, WebSockets included. Default: 20,000, or what the
    /// process's limit of file descriptors allows, whichever is lower.
    ///
    /// Beyond the maximum, WebSockets are rejected with 503, while other requests are served on 64 reserved connections.
    /// If these are used up as well, all requests on further connections get 503.
    pub fn max_connections(mut self, maximum: usize) -> Self {
        self.max_connections = Some(maximum);
        self
    }

    /// Adds a function that runs once the address is known, before the first request is served.
    ///
    /// Use it to declare topics, add event handlers, change keys, or push faults. Several functions run in the order in
    /// which they were added, after the sample data was loaded. If one returns an error, [`start`](Self::start) fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use service_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::builder().arrange(|emulator| {
    ///     emulator.faults().push(Fault::status(503).times(3));
    ///     Ok(())
    /// });
    /// let emulator = emulator.start().await?;
    /// assert_eq!(emulator.faults().pending(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn arrange(
        mut self,
        arrangement: impl Fn(&Emulator) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        self.arrangements.functions.push(Arc::new(arrangement));
        self
    }

    /// Binds the port and starts to serve requests.
    ///
    /// # Errors
    ///
    /// Returns an error if the address cannot be bound or if the authority's certificate cannot be written. Returns an
    /// error of kind [`InvalidInput`](io::ErrorKind::InvalidInput) if a function added with [`arrange`](Self::arrange)
    /// fails, if the [control token](Self::control_token) breaks its rule, or if the limit of file descriptors does not
    /// allow [`max_connections`](Self::max_connections).
    pub async fn start(self) -> io::Result<Emulator> {
        if let Some(Err(rule)) = self.control_token.as_deref().map(check_token) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("the control token {rule}")));
        }
        let max_connections = max_connections(self.max_connections)?;
        let listener = bind(&self.host, self.port).await?;
        let address = listener.local_addr()?;
        let endpoint = Endpoint::new(address, self.tls, self.advertised.as_deref())?;
        let names = [host(endpoint.authority()).to_owned(), self.host.clone(), address.ip().to_string()];
        let clock = Clock::new();
        let faults = Faults::default();
        let journal = Arc::new(Journal::new(clock.clone(), self.log));
        let tls = self.tls.then(|| Tls::new(&names, clock.now())).transpose().map_err(io::Error::other)?;
        let services = Services::new(&clock, &endpoint, &faults, &journal, self.arrangements.sample_data);
        let ca_file =
            tls.as_ref().map(|tls| write_ca(self.ca_file.as_deref(), &tls.authority)).transpose()?;
        let (running, ca_file) = (Arc::new(Running::new()), ca_file.flatten());
        let handle = Handle { running: Arc::downgrade(&running), ca_file: ca_file.clone() };
        let shared = Arc::new(Shared {
            guard: Guard::new(&endpoint, &self.host, self.control_token, self.show_payloads),
            history: History::default(),
            endpoint,
            tls,
            clock,
            faults,
            log: Log::default(),
            journal,
            services,
            arrangements: self.arrangements,
            max_connections,
            handle: handle.into(),
        });
        let emulator = Emulator { shared: Arc::clone(&shared), running, ca_file };
        shared.arrangements.apply(&emulator)?;
        emulator.running.serve(listener, shared).await;
        Ok(emulator)
    }
}

/// Binds the first address of the host that can be bound.
async fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    let failed = |error: io::Error| {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        io::Error::new(error.kind(), format!("could not listen on {host}:{port}: {error}"))
    };
    let mut addresses: Vec<_> = tokio::net::lookup_host((host, port)).await.map_err(failed)?.collect();
    // Most clients try IPv4 when they are given a name.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(&addresses[..]).await.map_err(failed)
}

fn write_ca(path: Option<&Path>, certificate: &str) -> io::Result<Option<Arc<Path>>> {
    let Some(path) = path else { return Ok(None) };
    std::fs::write(path, certificate).map_err(|error| {
        io::Error::new(error.kind(), format!("could not write {}: {error}", path.display()))
    })?;
    Ok(Some(path.into()))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("host", &self.host)
            .field("advertised", &self.advertised)
            .field("port", &self.port)
            .field("show_payloads", &self.show_payloads)
            .field("control_token", &self.control_token.as_ref().map(|_| "***"))
            .field("tls", &self.tls)
            .field("ca_file", &self.ca_file)
            .field("log", &self.log)
            .field("max_connections", &self.max_connections)
            .field("arrangements", &self.arrangements)
            .finish()
    }
}
