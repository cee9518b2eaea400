//! The accept loop: a bounded number of connections, one task each, all stopped together.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::connection;
use super::limit::Slots;
use super::shared::Shared;
use crate::clock::real_time;

/// In real time: how long connections may take to end in order when the server stops.
const GRACE: Duration = Duration::from_secs(5);

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
    let slots = Slots::new(shared.max_connections);
    let stops = stopped.clone();
    let in_order = loop {
        while connections.try_join_next().is_some() {}
        let stream = tokio::select! {
            // An error means that the last handle was dropped.
            stopped = stopped.wait_for(|stopped| *stopped) => break stopped.is_ok(),
            stream = accept(&listener, &shared) => stream,
        };
        let Some(slot) = slots.take() else {
            tracing::warn!("dropped a connection: the maximum and the reserve are used up");
            continue;
        };
        connections.spawn(connection::serve(stream, Arc::clone(&shared), slot, stops.clone()));
    };
    drop(listener);
    if in_order {
        shared.services.all().iter().for_each(|service| service.end());
        real_time::within(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    } else {
        shared.services.all().iter().for_each(|service| service.abort());
    }
    connections.shutdown().await;
}

async fn accept(listener: &TcpListener, shared: &Shared) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Out of file descriptors, or a connection that failed in the backlog: the listener remains usable.
                tracing::warn!(%error, "a connection could not be accepted");
                shared.clock.sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
