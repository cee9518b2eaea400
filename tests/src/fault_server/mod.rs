//! A server that misbehaves to the byte: each connection follows a script, plain or over TLS, in HTTP/1.1 or HTTP/2, and
//! what the server read is counted. It is separate from the emulator, which speaks through an HTTP library and so cannot break HTTP.

mod connection;
pub mod frames;
mod script;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service_core::{SystemClock, timeout};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use connection::Connection;
pub use script::{Script, Step, http1_response};

/// A server on its own loopback port; it and its connections end when it is dropped.
#[derive(Debug)]
pub struct FaultServer {
    address: SocketAddr,
    log: Arc<Log>,
    accepting: JoinHandle<()>,
}

/// What was seen by all connections together.
#[derive(Debug, Default)]
struct Log {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
    protocols: Mutex<Vec<String>>,
}

/// A port without a listener: connections to it are refused, and no other process can take it.
#[derive(Debug)]
pub struct Reserved {
    socket: TcpSocket,
    address: SocketAddr,
}

impl FaultServer {
    /// Starts a server whose first connection follows the first script, and so on; the last one serves all further ones.
    ///
    /// # Errors
    ///
    /// No free port.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        Reserved::new()?.listen(scripts)
    }

    /// Its host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its origin with the scheme `http`.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its origin with the scheme `https`.
    #[must_use]
    pub fn https(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many connections it accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// The requests that it read whole, in the order of their ends: head and body of HTTP/1.1, stream and body of HTTP/2.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.log.requests).clone()
    }

    /// The protocol that each finished TLS handshake agreed on, empty for none.
    #[must_use]
    pub fn protocols(&self) -> Vec<String> {
        lock(&self.log.protocols).clone()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Reserved {
    /// Takes a free port.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn new() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Its host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets connections in.
    ///
    /// # Errors
    ///
    /// Fails if the system does not allow listening.
    pub fn listen(self, scripts: impl IntoIterator<Item = Script>) -> io::Result<FaultServer> {
        let Self { socket, address } = self;
        let listener = socket.listen(64)?;
        let log = Arc::new(Log::default());
        let scripts = scripts.into_iter().collect();
        let accepting = tokio::spawn(accept(listener, scripts, Arc::clone(&log)));
        Ok(FaultServer { address, log, accepting })
    }
}

/// Waits until a script has come to its [`Step::Notify`] of this event.
///
/// # Errors
///
/// It did not come that far in any time that a working machine takes.
pub async fn reached(event: &Notify) -> io::Result<()> {
    let event = timeout(&SystemClock::new(), Duration::from_secs(30), event.notified()).await;
    event.ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "the script did not come to this event"))
}

async fn accept(listener: TcpListener, scripts: Vec<Script>, log: Arc<Log>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = log.connections.fetch_add(1, Ordering::SeqCst);
        let script = scripts.get(number).or(scripts.last()).cloned().unwrap_or_default();
        connections.spawn(Connection::new(stream, Arc::clone(&log)).follow(script));
        while connections.try_join_next().is_some() {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
