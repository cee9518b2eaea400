//! A layer around reqwest's connector. It is separate because it knows what reqwest does not say: whether a call is still
//! waiting for its connection, and whether another call's handshake is about to give every caller an HTTP/2 connection.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::Connection;
use tower_layer::Layer;
use tower_service::Service;

use super::SendOptions;
use super::health::{Health, Protocol};
use super::ledger::{Account, Admission, Ledger, Step};
use crate::{BoxError, Clock};

thread_local! {
    /// What the call polled on this thread is doing.
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Outside) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// No call is being polled.
    Outside,
    /// A call is being polled, and its connector has done this.
    Inside(Step),
}

/// Runs a call and records in `options` whether it is still waiting for its connection, and in `account` what becomes of that.
///
/// hyper's pool polls the connector only from the call that needs it, so a call whose last poll left the connector pending
/// has written nothing.
pub(super) async fn tracked<F: Future>(
    call: F,
    account: &mut Account<'_>,
    options: &SendOptions,
) -> F::Output {
    let mut call = pin!(call);
    poll_fn(|context| {
        let outer = SCOPE.replace(Scope::Inside(Step::Other));
        let polled = call.as_mut().poll(context);
        if let Scope::Inside(step) = SCOPE.replace(outer) {
            options.set_waiting(polled.is_pending() && step == Step::Connecting);
            account.polled(step);
        }
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
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
}

impl Handshakes {
    pub(super) fn new(health: Arc<Health>, ledger: Arc<Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { health, ledger, clock }) }
    }
}

impl<S> Layer<S> for Handshakes {
    type Service = Coalesced<S>;

    fn layer(&self, connector: S) -> Coalesced<S> {
        Coalesced { inner: Arc::new(Inner { connector, shared: Arc::clone(&self.shared) }) }
    }
}

/// A connector that waits for a handshake that another call has started.
///
/// hyper's client clones its connector several times for each request, but rarely connects, so that a clone must cost little.
pub(super) struct Coalesced<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    connector: S,
    shared: Arc<Shared>,
}

impl<S> Clone for Coalesced<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S, R> Service<R> for Coalesced<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + Sync + 'static,
    S::Response: Connection + Send + 'static,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Connecting<S::Response>;

    /// Is always ready. The connector inside is polled for readiness when it is needed.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let started = Arc::new(AtomicBool::new(false));
        let connection = Box::pin(connect(Arc::clone(&self.inner), request, Arc::clone(&started)));
        Connecting { connection, started }
    }
}

async fn connect<S, R>(
    inner: Arc<Inner<S>>,
    request: R,
    started: Arc<AtomicBool>,
) -> Result<S::Response, BoxError>
where
    S: Service<R, Error = BoxError> + Clone,
    S::Response: Connection,
{
    let Inner { connector, shared } = &*inner;
    let Shared { health, ledger, clock } = &**shared;
    let handshakes = health.handshakes();
    let turn = match health.protocol() {
        Protocol::Http1 => None,
        _ => Some(health.handshake_turn().await),
    };
    if health.protocol() == Protocol::Http1 {
        // Such connections carry one call at a time, so every call needs its own.
        drop(turn);
        let admission = ledger.admit(&**clock).await;
        started.store(true, Ordering::Relaxed);
        let connection = establish(connector.clone(), request).await?;
        established(admission, &**clock);
        return Ok(connection);
    }
    if health.handshakes() != handshakes {
        // The pool hands that connection to every waiting call. It then drops this future.
        drop(turn);
        return pending().await;
    }
    let admission = ledger.admit(&**clock).await;
    started.store(true, Ordering::Relaxed);
    let connection = establish(connector.clone(), request).await?;
    let http2 = connection.connected().is_negotiated_h2();
    health.connected(if http2 { Protocol::Http2 } else { Protocol::Http1 });
    if http2 {
        admission.shared();
    } else {
        established(admission, &**clock);
    }
    Ok(connection)
}

async fn establish<S: Service<R>, R>(mut connector: S, request: R) -> Result<S::Response, S::Error> {
    poll_fn(|context| connector.poll_ready(context)).await?;
    connector.call(request).await
}

/// Records a connection of the call that is being polled, or of none.
fn established(admission: Admission, clock: &dyn Clock) {
    match SCOPE.get() {
        Scope::Outside => admission.unused(clock.elapsed()),
        Scope::Inside(_) => admission.used(),
    }
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
        if !background {
            let step = match &polled {
                Poll::Pending => Step::Connecting,
                Poll::Ready(Ok(_)) => Step::Connected,
                Poll::Ready(Err(_)) => Step::Failed,
            };
            SCOPE.set(Scope::Inside(step));
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
