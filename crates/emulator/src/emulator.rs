//! The handle that a user holds: it starts and stops the emulator and gives access to addresses, keys, and services.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::builder::Builder;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::server::{Received, Running, Shared};

/// Owns a running emulator.
///
/// Clones refer to the same emulator. When the last handle is dropped, the server stops and all connections are closed.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use service_emulator::Emulator;
///
/// let emulator = Emulator::start().await?;
/// // Point any client at the emulator, for example through environment variables.
/// let environment = emulator.environment();
/// assert!(!environment.is_empty());
/// emulator.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Emulator {
    pub(crate) shared: Arc<Shared>,
    pub(crate) running: Arc<Running>,
    pub(crate) ca_file: Option<Arc<Path>>,
}

impl Emulator {
    /// Starts an emulator on a free port of 127.0.0.1, without sample data.
    ///
    /// # Errors
    ///
    /// Returns an error if no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns a builder for an emulator with other settings.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Returns the endpoint of all services: `http://127.0.0.1:PORT`, `https` with [TLS](Builder::tls), or the
    /// [advertised URL](Builder::advertise).
    pub fn endpoint(&self) -> String {
        self.shared.endpoint.http()
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.shared.endpoint.address
    }

    /// Returns the certificate of the authority that clients must trust, as PEM. Without [TLS](Builder::tls), returns
    /// `None`.
    pub fn ca_certificate(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(|tls| tls.authority.as_str())
    }

    /// Returns the file that contains the [authority's certificate](Self::ca_certificate), if
    /// [one was set](Builder::tls_ca_file).
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// Returns the clock of the emulated services, which can be advanced.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Returns the queue of faults that upcoming requests and open WebSockets will meet.
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// Returns the last requests, oldest first.
    ///
    /// At most 1,000 requests are kept, and at most 64 MiB of bodies. A request is added once it has been read
    /// completely, before the response is sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use service_emulator::Emulator;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// let emulator = Emulator::start().await?;
    /// let mut stream = tokio::net::TcpStream::connect(emulator.address()).await?;
    /// stream.write_all(b"GET /api/health HTTP/1.1\r\nhost: local\r\nconnection: close\r\n\r\n").await?;
    /// stream.read_to_end(&mut Vec::new()).await?;
    /// assert_eq!(emulator.requests()[0].target, "/api/health");
    /// # Ok(())
    /// # }
    /// ```
    pub fn requests(&self) -> Vec<Received> {
        self.shared.log.all()
    }

    /// Returns a handle to the Web PubSub service.
    #[cfg(feature = "webpubsub")]
    pub fn webpubsub(&self) -> crate::webpubsub::WebPubSub {
        self.shared.services.webpubsub.clone()
    }

    /// Returns a handle to the Event Grid Namespaces service.
    #[cfg(feature = "eventgrid")]
    pub fn eventgrid(&self) -> crate::eventgrid::EventGrid {
        self.shared.services.eventgrid.clone()
    }

    /// Returns a handle to the HULFT-WebConnect service.
    #[cfg(feature = "hulft")]
    pub fn hulft(&self) -> crate::hulft::Hulft {
        self.shared.services.hulft.clone()
    }

    /// Returns the environment variables that clients need to find the services, as names and values.
    ///
    /// Contains only the services that this build includes. `SERVICE_EMULATOR_CA` is included if a
    /// [certificate file](Builder::tls_ca_file) was written. If clients on other hosts would send requests in clear
    /// text, variables named `.._ALLOW_INSECURE_HTTP` are included, so that a program can allow that.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let ca_file = self.ca_file().map(|path| ("SERVICE_EMULATOR_CA", path.display().to_string()));
        // An empty value is left out.
        let allow_insecure_http = if self.shared.endpoint.is_exposed() { "1" } else { "" };
        let services = [
            #[cfg(feature = "webpubsub")]
            vec![
                ("WEBPUBSUB_CONNECTION_STRING", self.webpubsub().connection_string()),
                ("WEBPUBSUB_ENTRA_TOKEN", self.webpubsub().printed_entra_token()),
                ("WEBPUBSUB_ALLOW_INSECURE_HTTP", allow_insecure_http.to_owned()),
            ],
            #[cfg(feature = "eventgrid")]
            vec![
                ("EVENTGRID_NAMESPACES_ENDPOINT", self.endpoint()),
                ("EVENTGRID_NAMESPACES_KEY", self.eventgrid().key()),
                ("EVENTGRID_NAMESPACES_ALLOW_INSECURE_HTTP", allow_insecure_http.to_owned()),
            ],
            #[cfg(feature = "hulft")]
            vec![
                ("HULFT_WEBCONNECT_ENDPOINT", self.endpoint()),
                ("HULFT_WEBCONNECT_API_KEY", self.hulft().api_key()),
                ("HULFT_WEBCONNECT_ALLOW_INSECURE_HTTP", allow_insecure_http.to_owned()),
            ],
        ];
        let variables = services.into_iter().flatten().chain(ca_file);
        variables.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Stops the server. Returns once every connection is closed and the port is free.
    ///
    /// WebSockets are closed with code 1001, long polls get their empty response, and other requests are completed. What
    /// is still open after 5 s is cut off.
    ///
    /// Existing handles remain usable, but the server cannot be restarted.
    pub async fn shutdown(&self) {
        self.running.stop().await;
    }
}
