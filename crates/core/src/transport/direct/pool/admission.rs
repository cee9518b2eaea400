//! Connections that are being established.

use std::sync::Arc;

use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::{Lease, Own, Pool, Shared, Unconnected};
use crate::clock::Clock as _;
use crate::transport::direct::connect::{Established, Failed};
use crate::transport::direct::message::Whole;
use crate::transport::direct::tls::Offer;
use crate::transport::health::Protocol;

/// One of the connections that count. Dropping it means that it is closed.
struct Counted(Arc<Pool>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.closed();
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
        Self { pool: Arc::clone(pool), counted: Some(Counted(Arc::clone(pool))), may_share }
    }

    /// Establishes the connection for the call that waits for it, or else for later ones.
    pub(super) async fn establish(mut self, call: oneshot::Sender<Result<Ready, Unconnected>>) {
        let ready = self.connect().await;
        let pool = Arc::clone(&self.pool);
        drop(self);
        if let Err(Ok(Ready::Http1(sender))) = call.send(ready) {
            pool.put(sender);
        }
    }

    async fn connect(&mut self) -> Result<Ready, Unconnected> {
        let pool = &*self.pool;
        let offer = if self.may_share { Offer::Any } else { Offer::Http1 };
        let Established { io, http2 } = pool.connector.connect(offer).await?;
        if !http2 {
            let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(Unconnected::handshake)?;
            let counted = self.counted.take();
            tokio::spawn(async move {
                // The call receives its error.
                drop(connection.await);
                drop(counted);
            });
            pool.health.connected(Protocol::Http1);
            return Ok(Ready::Http1(sender));
        }
        let shared = Shared::new(io, pool.clock.elapsed()).await.map_err(Unconnected::handshake)?;
        pool.state().shared = Some(shared.clone());
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
