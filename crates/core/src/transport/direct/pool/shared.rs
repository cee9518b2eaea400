//! The HTTP/2 connection that all calls share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::super::message::Whole;
use super::Pool;
use crate::clock::Clock as _;
use crate::transport::Io;
use crate::transport::health::{Health, Protocol};
use crate::transport::pools::{KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, STREAM_WINDOW};

/// A connection. It ends with its last copy.
#[derive(Clone)]
pub(in super::super) struct Shared {
    pub(in super::super) sender: SendRequest<Whole>,
    /// What was received on this connection.
    pub(in super::super) health: Arc<Health>,
    usage: Arc<Usage>,
}

#[derive(Debug)]
struct Usage {
    calls: AtomicUsize,
    /// When the last call ended, in nanoseconds.
    idle_since: AtomicU64,
}

impl Shared {
    pub(super) async fn new(io: Box<dyn Io>, now: Duration) -> hyper::Result<Self> {
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .handshake(TokioIo::new(io))
            .await?;
        // Calls receive its error.
        tokio::spawn(async { drop(connection.await) });
        let usage = Usage { calls: AtomicUsize::new(0), idle_since: AtomicU64::new(nanoseconds(now)) };
        Ok(Self { sender, health: Arc::new(Health::new(Protocol::Http2)), usage: Arc::new(usage) })
    }

    /// Returns whether calls can use the connection.
    pub(super) fn is_open(&self, now: Duration, idle_timeout: Duration) -> bool {
        self.sender.is_ready() && self.idle_time(now).is_none_or(|idle| idle < idle_timeout)
    }

    /// Returns for how long no call has used the connection, or `None` if one does.
    pub(super) fn idle_time(&self, now: Duration) -> Option<Duration> {
        let since = Duration::from_nanos(self.usage.idle_since.load(Ordering::Acquire));
        (self.usage.calls.load(Ordering::Acquire) == 0).then(|| now.saturating_sub(since))
    }

    pub(super) fn use_by<'a>(&self, pool: &'a Arc<Pool>, reused: bool) -> Use<'a> {
        self.usage.calls.fetch_add(1, Ordering::AcqRel);
        Use { shared: self.clone(), reused, pool }
    }
}

/// A call's use of the connection.
pub(in super::super) struct Use<'a> {
    pub(in super::super) shared: Shared,
    /// Whether the connection was established for another call.
    pub(in super::super) reused: bool,
    pool: &'a Arc<Pool>,
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        let now = nanoseconds(self.pool.clock.elapsed());
        self.shared.usage.idle_since.store(now, Ordering::Release);
        if self.shared.usage.calls.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.pool.start_keeper(&mut self.pool.state());
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
