//! The connections to one endpoint. Since it owns them, the number of open ones is exact, and whether a request was written is
//! known.

mod keeper;
mod shared;

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use http::StatusCode;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use super::connect::{Connector, Established, Failed};
use super::message::Whole;
use super::tls::Offer;
use crate::BoxError;
use crate::clock::{self, Clock, SystemClock};
use crate::transport::ConnectionOptions;
use crate::transport::health::{Health, Protocol};
pub(super) use shared::{Shared, Use};

/// The connections of one client.
pub(super) struct Pool {
    pub(super) connector: Connector,
    /// The protocol that connections negotiate.
    pub(super) health: Health,
    limit: usize,
    idle_timeout: Duration,
    connect_timeout: Duration,
    /// Idle times and connect timeouts are those of sockets, so that they pass in real time.
    clock: SystemClock,
    /// How many long polls are running. Each may have a connection beyond the limit.
    long: AtomicUsize,
    state: Mutex<State>,
    /// Wakes calls that wait for a connection.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The HTTP/1.1 connections that are open or being established.
    open: usize,
    /// Those of them that no call uses, with the time since when. The newest is the last one. One that the server has closed no
    /// longer counts, but stays here until it is noticed.
    idle: Vec<(SendRequest<Whole>, Duration)>,
    /// The HTTP/2 connection that all calls share.
    shared: Option<Shared>,
    /// Whether a connection is being established that calls may share.
    handshake: bool,
    /// How many calls wait for a connection.
    waiting: usize,
    keeper: Option<AbortHandle>,
}

/// A connection for one call.
pub(super) enum Lease<'a> {
    Http1(Own<'a>),
    Http2(Use<'a>),
}

/// Why a call has no connection.
#[derive(Debug)]
pub(super) enum Unconnected {
    TimedOut,
    Rejected(StatusCode),
    Failed(BoxError),
}

impl Pool {
    pub(super) fn new(options: &ConnectionOptions, connector: Connector, protocol: Protocol) -> Arc<Self> {
        Arc::new(Self {
            connector,
            health: Health::new(protocol),
            limit: options.max_connections.max(1),
            idle_timeout: options.pool_idle_timeout,
            connect_timeout: options.connect_timeout,
            clock: SystemClock::new(),
            long: AtomicUsize::new(0),
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Returns a connection as soon as there is one.
    pub(super) async fn get(
        self: &Arc<Self>,
        connect_timeout: Option<Duration>,
        long: bool,
    ) -> Result<Lease<'_>, Unconnected> {
        let long = LongPoll::new(self, long);
        let taken = self.take(&mut self.state());
        let mut lease = match taken {
            Some(lease) => lease,
            None => {
                let limit = connect_timeout.unwrap_or(self.connect_timeout);
                // Boxed, since nearly no call needs this future.
                let lease = clock::timeout(&self.clock, limit, Box::pin(self.wait())).await;
                lease.unwrap_or(Err(Unconnected::TimedOut))?
            }
        };
        if let Lease::Http1(own) = &mut lease {
            own.long = long;
        }
        Ok(lease)
    }

    /// Establishes a connection of its own for a request that changes the protocol.
    pub(super) async fn connect(
        &self,
        connect_timeout: Option<Duration>,
    ) -> Result<Established, Unconnected> {
        let limit = connect_timeout.unwrap_or(self.connect_timeout);
        let connection = clock::timeout(&self.clock, limit, self.connector.connect(Offer::Http1)).await;
        Ok(connection.ok_or(Unconnected::TimedOut)??)
    }

    async fn wait(self: &Arc<Self>) -> Result<Lease<'_>, Unconnected> {
        let _waiting = Waiting::new(self);
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on, no change is missed.
            changed.as_mut().enable();
            let admitted = {
                let mut state = self.state();
                if let Some(lease) = self.take(&mut state) {
                    return Ok(lease);
                }
                self.admit(&mut state)
            };
            match admitted {
                Some(admission) => return self.first_of(admission, changed).await,
                None => changed.await,
            }
        }
    }

    /// Establishes a connection, and returns it or one that is free sooner.
    async fn first_of<'a>(
        self: &'a Arc<Self>,
        admission: Admission,
        mut changed: Pin<&mut Notified<'a>>,
    ) -> Result<Lease<'a>, Unconnected> {
        let (sender, mut receiver) = oneshot::channel();
        let mut task = Task(Some(tokio::spawn(admission.establish(sender)).abort_handle()));
        loop {
            match either(&mut receiver, changed.as_mut()).await {
                Some(established) => {
                    return match established {
                        Ok(Ok(connection)) => Ok(connection.lease(self)),
                        Ok(Err(error)) => Err(error),
                        // Its runtime has ended.
                        Err(error) => Err(Unconnected::Failed(error.into())),
                    };
                }
                None => {
                    changed.set(self.changed.notified());
                    changed.as_mut().enable();
                    let lease = self.take(&mut self.state());
                    if let Some(lease) = lease {
                        // The other connection is kept for later calls.
                        task.0 = None;
                        return Ok(lease);
                    }
                }
            }
        }
    }

    /// Returns a connection that is open.
    fn take(self: &Arc<Self>, state: &mut State) -> Option<Lease<'_>> {
        let now = self.clock.elapsed();
        if let Some(shared) = state.shared.take_if(|shared| !shared.is_open(now, self.idle_timeout)) {
            drop(shared);
        }
        if let Some(shared) = &state.shared {
            return Some(Lease::Http2(shared.use_by(self, true)));
        }
        while let Some((sender, since)) = state.idle.pop() {
            if now.saturating_sub(since) < self.idle_timeout && sender.is_ready() {
                return Some(Lease::Http1(Own::new(self, sender, true)));
            }
        }
        None
    }

    /// Allows the call to establish a connection if there may be one more.
    fn admit(self: &Arc<Self>, state: &mut State) -> Option<Admission> {
        let may_share = self.health.protocol() != Protocol::Http1;
        if (may_share && state.handshake) || state.open >= self.limit + self.long.load(Ordering::Relaxed) {
            return None;
        }
        state.open += 1;
        state.handshake |= may_share;
        Some(Admission { pool: Arc::clone(self), counted: Some(Counted(Arc::clone(self))), may_share })
    }

    /// Keeps an open connection for later calls, unless it was one more for a long poll that has ended.
    fn put(self: &Arc<Self>, sender: SendRequest<Whole>) {
        let mut state = self.state();
        if state.open > self.limit + self.long.load(Ordering::Relaxed) {
            return;
        }
        state.idle.push((sender, self.clock.elapsed()));
        self.start_keeper(&mut state);
        if state.waiting > 0 {
            self.changed.notify_one();
        }
    }

    /// Lets later calls use a new connection. Calls in flight keep the old one, which ends with the last of them.
    pub(super) fn retire(&self, health: &Arc<Health>) {
        let mut state = self.state();
        if state.shared.as_ref().is_some_and(|shared| Arc::ptr_eq(&shared.health, health)) {
            state.shared = None;
        }
    }

    /// A connection that counted is closed.
    fn closed(&self) {
        let mut state = self.state();
        state.open = state.open.saturating_sub(1);
        if state.waiting > 0 {
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(keeper) = self.state().keeper.take() {
            keeper.abort();
        }
    }
}

/// A long poll that runs, and may therefore have a connection beyond the limit.
struct LongPoll<'a>(Option<&'a Pool>);

impl<'a> LongPoll<'a> {
    fn new(pool: &'a Pool, runs: bool) -> Self {
        if runs {
            pool.long.fetch_add(1, Ordering::Relaxed);
        }
        Self(runs.then_some(pool))
    }
}

impl Drop for LongPoll<'_> {
    fn drop(&mut self) {
        if let Some(pool) = self.0 {
            pool.long.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// An HTTP/1.1 connection that one call uses. Dropping it closes the connection.
pub(super) struct Own<'a> {
    pub(super) sender: SendRequest<Whole>,
    /// Whether other calls used it before.
    pub(super) reused: bool,
    pool: &'a Arc<Pool>,
    long: LongPoll<'a>,
}

impl<'a> Own<'a> {
    fn new(pool: &'a Arc<Pool>, sender: SendRequest<Whole>, reused: bool) -> Self {
        Self { sender, reused, pool, long: LongPoll(None) }
    }

    /// Keeps the connection for later calls, as soon as it can send another request.
    pub(super) fn release(self) {
        let Self { mut sender, pool, long, .. } = self;
        // The connection may no longer be allowed once this poll has ended.
        drop(long);
        if sender.is_ready() {
            return pool.put(sender);
        }
        if sender.is_closed() {
            return;
        }
        // The end of the response was received a moment before the connection is ready, or the request is still being written.
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                pool.put(sender);
            }
        });
    }
}

/// A call that waits for a connection.
struct Waiting<'a>(&'a Pool);

impl<'a> Waiting<'a> {
    fn new(pool: &'a Pool) -> Self {
        pool.state().waiting += 1;
        Self(pool)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// Aborts the task of a connection that no call waits for any more.
struct Task(Option<AbortHandle>);

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// One of the connections that count. Dropping it means that it is closed.
struct Counted(Arc<Pool>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// The permission to establish a connection.
struct Admission {
    pool: Arc<Pool>,
    counted: Option<Counted>,
    /// Whether other calls wait for this connection, since they may share it.
    may_share: bool,
}

/// A new connection.
enum Ready {
    Http1(SendRequest<Whole>),
    Http2(Shared),
}

impl Ready {
    fn lease(self, pool: &Arc<Pool>) -> Lease<'_> {
        match self {
            Self::Http1(sender) => Lease::Http1(Own::new(pool, sender, false)),
            Self::Http2(shared) => Lease::Http2(shared.use_by(pool, false)),
        }
    }
}

impl Admission {
    /// Establishes the connection for the call that waits for it, or else for later ones.
    async fn establish(mut self, call: oneshot::Sender<Result<Ready, Unconnected>>) {
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

/// The output of `one`, or `None` if the other future completes before it.
async fn either<T>(mut one: impl Future<Output = T> + Unpin, other: impl Future<Output = ()>) -> Option<T> {
    let mut other = pin!(other);
    std::future::poll_fn(|context| match Pin::new(&mut one).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => other.as_mut().poll(context).map(|()| None),
    })
    .await
}
