//! The handle a user holds: starts everything on one port, hands out addresses, keys and the parts, stops everything.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::server::{Received, Running, Services, Shared};

/// A running emulator. Clones are handles onto the same one; when the last is dropped the server stops and its
/// connections end.
#[derive(Clone, Debug)]
pub struct Emulator {
    shared: Arc<Shared>,
    running: Arc<Running>,
}

/// What can be chosen before an [`Emulator`] starts; made by [`Emulator::builder`].
#[derive(Clone, Debug)]
#[must_use = "does nothing until started"]
pub struct Builder {
    host: IpAddr,
    port: u16,
    sample_data: bool,
}

impl Emulator {
    /// Starts on a free port of 127.0.0.1, without sample data.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts with an address, a port or sample data of one's own choice.
    pub fn builder() -> Builder {
        Builder { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, sample_data: false }
    }

    /// Scheme, address and port: `http://127.0.0.1:PORT`, the same for all services.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
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
    /// this build contains.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
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
        ]
    }

    /// Stops the server and returns once every connection has ended and the port is free. Handles remain usable, the
    /// server does not come back.
    pub async fn shutdown(&self) {
        self.running.stop().await;
    }
}

impl Builder {
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

    /// Binds the port and starts to answer.
    ///
    /// # Errors
    /// When the address cannot be bound: in use, or not one of this machine.
    pub async fn start(self) -> io::Result<Emulator> {
        let listener = tokio::net::TcpListener::bind((self.host, self.port)).await?;
        let address = listener.local_addr()?;
        let clock = Clock::new();
        let faults = Faults::default();
        let services = Services::new(&clock, address, &faults);
        #[cfg(feature = "hulft")]
        if self.sample_data {
            services.hulft.add_sample_data();
        }
        let shared = Arc::new(Shared::new(address, clock, faults, services));
        let running = Arc::new(Running::start(listener, Arc::clone(&shared)));
        Ok(Emulator { shared, running })
    }
}
