//! The handle a user holds: starts everything on one port, hands out addresses, keys and the parts, stops everything.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::builder::Builder;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::server::{Received, Running, Shared};

/// A running emulator. Clones are handles onto the same one; when the last is dropped the server stops and its
/// connections end.
#[derive(Clone, Debug)]
pub struct Emulator {
    pub(crate) shared: Arc<Shared>,
    pub(crate) running: Arc<Running>,
    pub(crate) ca_file: Option<Arc<Path>>,
}

impl Emulator {
    /// Starts on a free port of 127.0.0.1, without sample data.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts with settings of one's own choice.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Scheme, address and port: `http://127.0.0.1:PORT`, the same for all services; `https` with [TLS](Builder::tls).
    pub fn endpoint(&self) -> String {
        self.shared.endpoint.http()
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.shared.endpoint.address
    }

    /// The certificate of the authority that clients have to trust, as PEM; nothing without [TLS](Builder::tls).
    pub fn ca_certificate(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(|tls| tls.authority.as_str())
    }

    /// The file that [`ca_certificate`](Self::ca_certificate) was written to, if one was
    /// [asked for](Builder::tls_ca_file).
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The emulator's time, which can be moved forward.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// The faults that coming requests and open WebSockets will meet.
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// The requests received last, oldest first: at most 1,000, fewer when their bodies pass 64 MiB together. A request
    /// is listed once it has been read whole, before it is answered.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.log.all()
    }

    /// The Web PubSub service.
    #[cfg(feature = "webpubsub")]
    pub fn webpubsub(&self) -> crate::webpubsub::WebPubSub {
        self.shared.services.webpubsub.clone()
    }

    /// The Event Grid Namespaces service.
    #[cfg(feature = "eventgrid")]
    pub fn eventgrid(&self) -> crate::eventgrid::EventGrid {
        self.shared.services.eventgrid.clone()
    }

    /// The HULFT-WebConnect service.
    #[cfg(feature = "hulft")]
    pub fn hulft(&self) -> crate::hulft::Hulft {
        self.shared.services.hulft.clone()
    }

    /// What a program needs to find the services: environment variable names with their values, of the services that
    /// this build contains; `SERVICE_EMULATOR_CA` with a [file of the authority](Builder::tls_ca_file).
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let ca_file = self.ca_file().map(|path| ("SERVICE_EMULATOR_CA", path.display().to_string()));
        let services = [
            #[cfg(feature = "webpubsub")]
            ("WEBPUBSUB_CONNECTION_STRING", self.webpubsub().connection_string()),
            #[cfg(feature = "eventgrid")]
            ("EVENTGRID_NAMESPACES_ENDPOINT", self.endpoint()),
            #[cfg(feature = "eventgrid")]
            ("EVENTGRID_NAMESPACES_KEY", self.eventgrid().key()),
            #[cfg(feature = "hulft")]
            ("HULFT_WEBCONNECT_ENDPOINT", self.endpoint()),
            #[cfg(feature = "hulft")]
            ("HULFT_WEBCONNECT_API_KEY", self.hulft().api_key()),
        ];
        services.into_iter().chain(ca_file).collect()
    }

    /// Stops the server and returns once every connection has ended and the port is free. Handles remain usable, the
    /// server does not come back.
    pub async fn shutdown(&self) {
        self.running.stop().await;
    }
}
