//! The accept loop: a bounded number of connections, one task each, all stopped together.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::connection;
use super::shared::Shared;

const MAX_CONNECTIONS: usize = 1_024;

/// The running server. It stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// Creates a server that is not started yet.
    pub(crate) fn new() -> Self {
        Self { stop: watch::Sender::new(false), server: Mutex::new(None) }
    }

    pub(crate) async fn serve(&self, listener: TcpListener, shared: Arc<Shared>) {
        let server = tokio::spawn(serve(listener, shared, self.stop.subscribe()));
        *self.server.lock().await = Some(server);
    }

    /// Stops the server and waits until it has stopped. Concurrent calls wait as well.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(server) = self.server.lock().await.take() {
            let _ = server.await;
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        while connections.try_join_next().is_some() {}
        let (stream, slot) = tokio::select! {
            // An error means that the last handle was dropped.
            _ = stopped.wait_for(|stopped| *stopped) => break,
            next = accept(&listener, &slots, &shared) => next,
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            connection::serve(stream, shared).await;
            drop(slot);
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// Waits for a free slot first: further connections stay in the kernel's backlog.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    shared: &Shared,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so this cannot fail.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                // Out of file descriptors, or a connection that failed in the backlog: the listener remains usable.
                tracing::warn!(%error, "a connection could not be accepted");
                shared.clock.sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
