//! Connections that are being established.

use std::sync::{Arc, Weak};
use std::time::Duration;

use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::oneshot;

use super::{Lease, Own, Pool, Shared, Unconnected};
use crate::clock::{self, Clock as _, SystemClock};
use crate::transport::direct::connect::{Established, Failed};
use crate::transport::direct::message::Whole;
use crate::transport::direct::tls::Offer;
use crate::transport::health::Protocol;

/// How long a connection may take to say goodbye. A peer that reads nothing would otherwise keep it open.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// One of the connections that count. Dropping it means that it is closed.
///
/// Weak, because its task lives as long as the connection, which an idle one does as long as the pool.
struct Counted(Weak<Pool>);

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.closed();
        }
    }
}

/// The permission to establish a connection.
pub(super) struct Admission {
    pool: Arc<Pool>,
    counted: Option<Counted>,
    /// Whether other calls wait for this connection, since they may share it.
    may_share: bool,
}

/// A new connection.
pub(super) enum Ready {
    Http1(SendRequest<Whole>),
    Http2(Shared),
}

impl Ready {
    pub(super) fn lease(self, pool: &Arc<Pool>) -> Lease<'_> {
        match self {
            Self::Http1(sender) => Lease::Http1(Own::new(pool, sender, false)),
            Self::Http2(shared) => Lease::Http2(shared.use_by(pool, false)),
        }
    }
}

impl Admission {
    pub(super) fn new(pool: &Arc<Pool>, may_share: bool) -> Self {
        Self { pool: Arc::clone(pool), counted: Some(Counted(Arc::downgrade(pool))), may_share }
    }

    /// Establishes the connection within this time for the call that waits for it, or else for later ones.
    pub(super) async fn establish(
        mut self,
        call: oneshot::Sender<Result<Ready, Unconnected>>,
        limit: Duration,
    ) {
        let ready = clock::timeout(&SystemClock::new(), limit, self.connect()).await;
        let ready = ready.unwrap_or(Err(Unconnected::TimedOut));
        let pool = Arc::clone(&self.pool);
        drop(self);
        if let Err(Ok(Ready::Http1(sender))) = call.send(ready) {
            pool.put(sender);
        }
    }

    async fn connect(&mut self) -> Result<Ready, Unconnected> {
        let pool = &*self.pool;
        let Established { io, http2 } = pool.connector.connect(Offer::Any).await?;
        if !http2 {
            let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(Unconnected::handshake)?;
            let counted = self.counted.take();
            tokio::spawn(async move {
                // The call receives its error.
                if let Ok(parts) = connection.without_shutdown().await {
                    let mut io = parts.io.into_inner();
                    drop(clock::timeout(&SystemClock::new(), SHUTDOWN_TIMEOUT, io.shutdown()).await);
                }
                drop(counted);
            });
            pool.health.connected(Protocol::Http1);
            return Ok(Ready::Http1(sender));
        }
        let shared = Shared::new(io, pool.clock.elapsed()).await.map_err(Unconnected::handshake)?;
        let mut state = pool.state();
        let now = pool.clock.elapsed();
        // Another one may be in use since.
        if state.shared.as_ref().is_none_or(|other| !other.is_open(now, pool.idle_timeout)) {
            state.shared = Some(shared.clone());
        }
        // The call may have ended.
        self.pool.start_keeper(&mut state);
        drop(state);
        pool.health.connected(Protocol::Http2);
        Ok(Ready::Http2(shared))
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.may_share {
            self.pool.state().handshake = false;
        }
        // Calls that waited may share this connection, or establish their own.
        self.pool.changed.notify_waiters();
    }
}

impl Unconnected {
    fn handshake(error: hyper::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Failed> for Unconnected {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Rejected(status) => Self::Rejected(status),
            Failed::Other(error) => Self::Failed(error),
        }
    }
}
