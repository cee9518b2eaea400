//! The HTTP/1.1 connections of one pool that are open. It is separate because it is an account and not a look: reqwest shows
//! neither its pool nor its sockets, so what is open follows from what calls and connectors do.
//!
//! A connection is counted from the moment its connector starts. After its call, it is on its way back to the pool, and hyper
//! does not report its arrival. A call that needs a connection while as many as allowed are open therefore waits until one
//! arrives, for at most [`RETURN_TIME`]: one that takes longer was closed by the server. The number of open connections is exact
//! as long as none needs more time than that to return.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

use crate::Clock;

/// How long a connection may take to return to the pool. It usually takes microseconds, but the runtime may be busy.
const RETURN_TIME: Duration = Duration::from_millis(250);
/// How long a connection may take to close after its call has ended.
const CLOSE_TIME: Duration = Duration::from_millis(5);

/// The account of one pool.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: usize,
    /// How many long polls and upgrades are running. Each may have a connection beyond the limit.
    long: AtomicUsize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The connections that are open or being established.
    open: usize,
    /// Those of them that are being established.
    connecting: usize,
    /// Those of them that calls use. A connection may be given to the next call before the account of the last one ends.
    used: usize,
    /// When those of them became idle that no call uses, the newest last.
    returned: VecDeque<Duration>,
    /// When the calls ended whose connections are being closed.
    closing: VecDeque<Duration>,
}

impl Ledger {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            long: AtomicUsize::new(0),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Starts the account of a call that holds a slot.
    pub(super) fn account<'a>(&'a self, long: bool, clock: &'a dyn Clock) -> Account<'a> {
        self.long.fetch_add(usize::from(long), Ordering::Relaxed);
        Account { ledger: self, clock, long, connected: false, reusable: false }
    }

    /// Waits until another connection may be opened.
    pub(super) async fn admit(self: &Arc<Self>, clock: &dyn Clock) -> Admission {
        let latest = clock.elapsed() + RETURN_TIME;
        loop {
            let changed = self.changed.notified();
            let now = clock.elapsed();
            match self.try_admit(now, now >= latest) {
                Ok(counted) => return Admission { ledger: Arc::clone(self), state: Some(counted) },
                Err(wait) => either(changed, clock.sleep(wait)).await,
            }
        }
    }

    /// Counts one more connection.
    ///
    /// # Errors
    ///
    /// Returns how long to wait before the next attempt.
    fn try_admit(&self, now: Duration, is_late: bool) -> Result<Counted, Duration> {
        let limit = self.limit + self.long.load(Ordering::Relaxed);
        let mut state = self.state();
        if state.open < limit {
            state.open += 1;
            state.connecting += 1;
            return Ok(Counted::Yes);
        }
        let State { returned, closing, connecting, .. } = &mut *state;
        let mut soonest = RETURN_TIME;
        for (since, time) in [(closing, CLOSE_TIME), (returned, RETURN_TIME)] {
            let Some(oldest) = since.front() else { continue };
            let age = now.saturating_sub(*oldest);
            if age >= time {
                // The pool had no idle connection, so this one was closed. The new one takes its place.
                since.pop_front();
                *connecting += 1;
                return Ok(Counted::Yes);
            }
            soonest = soonest.min(time - age);
        }
        // A call with a slot finds all connections in use only if one is being established that no call waits for. Otherwise, a
        // connection was closed that seemed to be in use.
        if is_late && *connecting == 0 { Ok(Counted::No) } else { Err(soonest) }
    }

    /// Makes a change that may let a waiting call continue sooner than it expects.
    fn make_room(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A call uses a connection that was idle or on its way back.
    fn reuse(&mut self) {
        self.used += 1;
        if self.returned.len() > self.unused() {
            // Whichever it is: what remains must not look older than the connection that returned last.
            self.returned.pop_front();
        }
    }

    /// A connection is idle or on its way back.
    fn add_returned(&mut self, now: Duration) {
        if self.returned.len() < self.unused() {
            self.returned.push_back(now);
        }
    }

    /// A connection is being closed.
    fn add_closing(&mut self, now: Duration) {
        if self.returned.len() < self.unused() {
            self.closing.push_back(now);
        }
    }

    /// The number of open connections that no call uses and that are not being closed.
    fn unused(&self) -> usize {
        self.open.saturating_sub(self.used + self.connecting + self.closing.len())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Yes,
    No,
}

/// A connection being established. Dropping it means that it was not.
#[derive(Debug)]
pub(super) struct Admission {
    ledger: Arc<Ledger>,
    /// `None` once it is established.
    state: Option<Counted>,
}

impl Admission {
    /// The connection is established, and its call uses it.
    pub(super) fn used(mut self) {
        let counted = self.state.take() == Some(Counted::Yes);
        let mut state = self.ledger.state();
        state.connecting = state.connecting.saturating_sub(usize::from(counted));
        state.used += 1;
    }

    /// The connection is established, and calls share it, so that it does not count.
    pub(super) fn shared(self) {
        self.ledger.state().used += 1;
    }

    /// The connection is established, but no call waits for it.
    pub(super) fn unused(mut self, now: Duration) {
        if self.state.take() == Some(Counted::Yes) {
            let mut state = self.ledger.state();
            state.connecting = state.connecting.saturating_sub(1);
            state.add_returned(now);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.state == Some(Counted::Yes) {
            self.ledger.make_room(|state| {
                state.connecting = state.connecting.saturating_sub(1);
                state.open = state.open.saturating_sub(1);
            });
        }
    }
}

/// What became of a call's connection in one poll of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The call waits for its connector.
    Connecting,
    /// The connector of the call established a connection.
    Connected,
    /// The connector of the call failed.
    Failed,
    /// The connector was not polled.
    Other,
}

/// The account of one call. Dropping it means that the call has ended.
#[derive(Debug)]
pub(super) struct Account<'a> {
    ledger: &'a Ledger,
    clock: &'a dyn Clock,
    long: bool,
    /// Whether the call uses a connection.
    connected: bool,
    /// Whether that connection can be used again.
    reusable: bool,
}

impl Account<'_> {
    pub(super) fn polled(&mut self, step: Step) {
        let connected = self.connected;
        self.connected = matches!(step, Step::Connected | Step::Other);
        match step {
            Step::Other if !connected => self.ledger.state().reuse(),
            Step::Connecting | Step::Connected | Step::Failed if connected => {
                // The idle connection that the call was given was closed before the request was written.
                self.ledger.make_room(|state| {
                    state.used = state.used.saturating_sub(1);
                    state.open = state.open.saturating_sub(1);
                });
            }
            _ => {}
        }
    }

    /// The response was read whole, and its connection stays open.
    pub(super) fn can_be_reused(&mut self) {
        self.reusable = true;
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        self.ledger.long.fetch_sub(usize::from(self.long), Ordering::Relaxed);
        if !self.connected {
            return;
        }
        let (now, reusable) = (self.clock.elapsed(), self.reusable);
        let end = |state: &mut State| {
            state.used = state.used.saturating_sub(1);
            if reusable { state.add_returned(now) } else { state.add_closing(now) }
        };
        if reusable { end(&mut self.ledger.state()) } else { self.ledger.make_room(end) }
    }
}

/// Completes with the first of the two.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Pending => other.as_mut().poll(context),
        ready => ready,
    })
    .await;
}
