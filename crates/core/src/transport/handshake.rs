//! A layer around reqwest's connector. It is separate because it knows what reqwest does not say: whether a call is still
//! waiting for its connection, and whether another call's handshake is about to give every caller an HTTP/2 connection.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::Connection;
use tower_layer::Layer;
use tower_service::Service;

use super::SendOptions;
use super::health::{Health, Protocol};
use crate::{BoxError, Clock};

/// How long a connection may take to return to the pool after its call has ended.
const RETURN_TIME: Duration = Duration::from_millis(5);

thread_local! {
    /// What the call polled on this thread is doing.
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Outside) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// No call is being polled.
    Outside,
    /// A call is being polled.
    Inside,
    /// A call that took over the slot of another one is being polled.
    Queued,
    /// A call is being polled, and its connector was pending.
    Connecting,
}

/// Runs a call and records in `options` whether it is still waiting for its connection.
///
/// hyper's pool polls the connector only from the call that needs it, so a call whose last poll left the connector pending
/// has written nothing.
pub(super) async fn tracked<F: Future>(call: F, queued: bool, options: &SendOptions) -> F::Output {
    let mut call = pin!(call);
    std::future::poll_fn(|context| {
        let outer = SCOPE.replace(if queued { Scope::Queued } else { Scope::Inside });
        let polled = call.as_mut().poll(context);
        let inner = SCOPE.replace(outer);
        options.set_waiting(polled.is_pending() && inner == Scope::Connecting);
        polled
    })
    .await
}

/// Makes the connectors of one pool share its handshakes.
#[derive(Clone)]
pub(super) struct Handshakes {
    shared: Arc<Shared>,
}

struct Shared {
    health: Arc<Health>,
    clock: Arc<dyn Clock>,
}

impl Handshakes {
    pub(super) fn new(health: Arc<Health>, clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { health, clock }) }
    }
}

impl<S> Layer<S> for Handshakes {
    type Service = Coalesced<S>;

    fn layer(&self, connector: S) -> Coalesced<S> {
        Coalesced { connector, shared: Arc::clone(&self.shared) }
    }
}

/// A connector that waits for a handshake that another call has started.
#[derive(Clone)]
pub(super) struct Coalesced<S> {
    connector: S,
    shared: Arc<Shared>,
}

impl<S, R> Service<R> for Coalesced<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Response: Connection + Send + 'static,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Connecting<S::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // The service that was polled ready is the one to call (tower_service::Service).
        let ready = self.connector.clone();
        let connector = std::mem::replace(&mut self.connector, ready);
        let started = Arc::new(AtomicBool::new(false));
        let connection =
            Box::pin(connect(connector, request, Arc::clone(&self.shared), Arc::clone(&started)));
        Connecting { connection, started }
    }
}

async fn connect<S, R>(
    mut connector: S,
    request: R,
    shared: Arc<Shared>,
    started: Arc<AtomicBool>,
) -> Result<S::Response, BoxError>
where
    S: Service<R, Error = BoxError>,
    S::Response: Connection,
{
    let Shared { health, clock } = &*shared;
    if health.protocol() == Protocol::Http1 {
        if SCOPE.get() == Scope::Queued {
            // The connection of the call that freed the slot is on its way back to the pool, unless it was closed.
            clock.sleep(RETURN_TIME).await;
        }
        started.store(true, Ordering::Relaxed);
        return connector.call(request).await;
    }
    let handshakes = health.handshakes();
    let turn = health.handshake_turn().await;
    if health.protocol() == Protocol::Http1 {
        // Such connections carry one call at a time, so every call needs its own.
        drop(turn);
        started.store(true, Ordering::Relaxed);
        return connector.call(request).await;
    }
    if health.handshakes() != handshakes {
        // The pool hands that connection to every waiting call. It then drops this future.
        drop(turn);
        return pending().await;
    }
    started.store(true, Ordering::Relaxed);
    let connection = connector.call(request).await?;
    let http2 = connection.connected().is_negotiated_h2();
    health.connected(if http2 { Protocol::Http2 } else { Protocol::Http1 });
    Ok(connection)
}

/// A connection being established for a call.
pub(super) struct Connecting<C> {
    connection: Pin<Box<dyn Future<Output = Result<C, BoxError>> + Send>>,
    started: Arc<AtomicBool>,
}

impl<C> Future for Connecting<C> {
    type Output = Result<C, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let background = SCOPE.get() == Scope::Outside;
        if background && !self.started.load(Ordering::Relaxed) {
            // Its call was served by another connection, and the pool would open this one in the background.
            return Poll::Ready(Err(Unneeded.into()));
        }
        let polled = self.connection.as_mut().poll(context);
        if polled.is_pending() && !background {
            SCOPE.set(Scope::Connecting);
        }
        polled
    }
}

#[derive(Debug)]
struct Unneeded;

impl fmt::Display for Unneeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another connection served the call")
    }
}

impl std::error::Error for Unneeded {}
