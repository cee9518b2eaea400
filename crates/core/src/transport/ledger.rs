//! The HTTP/1.1 connections of one pool that are open. It is separate because it is an account and not a look: reqwest shows
//! neither its pool nor its sockets, so what is open follows from what calls and connectors do.
//!
//! A connection is counted from the moment its connector starts. After its call, it is on its way back to the pool, and hyper
//! does not report its arrival. A call that needs a connection while as many as allowed are open therefore waits until one
//! arrives, for at most [`RETURN_TIME`]: one that takes longer was closed by the server. The number of open connections is exact
//! as long as none needs more time than that to return.

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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::testing::ManualClock;

    fn ledger(limit: usize) -> (Arc<Ledger>, ManualClock) {
        (Arc::new(Ledger::new(limit)), ManualClock::new(SystemTime::UNIX_EPOCH))
    }

    /// How many connections are open, and how many of them are idle or on their way back.
    fn counts(ledger: &Ledger) -> (usize, usize) {
        let state = ledger.state();
        (state.open, state.returned.len())
    }

    /// Polls once.
    async fn ready<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// A call with a new connection.
    async fn connected<'a>(ledger: &'a Arc<Ledger>, clock: &'a ManualClock) -> Account<'a> {
        let mut call = ledger.account(false, clock);
        call.polled(Step::Connecting);
        ready(&mut Box::pin(ledger.admit(clock))).await.unwrap().used();
        call.polled(Step::Connected);
        call
    }

    #[tokio::test]
    async fn a_call_waits_for_a_connection_on_its_way_back_and_takes_its_place_if_it_does_not_arrive() {
        let (ledger, clock) = ledger(1);
        let mut first = connected(&ledger, &clock).await;
        first.can_be_reused();
        drop(first);
        let mut admitted = Box::pin(ledger.admit(&clock));
        assert!(ready(&mut admitted).await.is_none());
        clock.advance(RETURN_TIME - Duration::from_millis(1));
        assert!(ready(&mut admitted).await.is_none());
        clock.advance(Duration::from_millis(1));
        ready(&mut admitted).await.unwrap().used();
        assert_eq!(ledger.state().open, 1, "the other one is not counted any more");
    }

    #[tokio::test]
    async fn a_connection_that_arrives_is_used_again_and_counted_once() {
        let (ledger, clock) = ledger(1);
        for _ in 0..3 {
            let mut call = ledger.account(false, &clock);
            if ledger.state().open == 0 {
                ledger.admit(&clock).await.used();
                call.polled(Step::Connected);
            } else {
                call.polled(Step::Other);
            }
            call.polled(Step::Other);
            call.can_be_reused();
            drop(call);
            assert_eq!(counts(&ledger), (1, 1));
        }
    }

    #[tokio::test]
    async fn a_connection_that_closes_or_is_not_established_makes_room_at_once() {
        let (ledger, clock) = ledger(1);
        let first = connected(&ledger, &clock).await;
        let mut waiting = Box::pin(ledger.admit(&clock));
        assert!(ready(&mut waiting).await.is_none());
        drop(first);
        assert!(ready(&mut waiting).await.is_none());
        clock.advance(CLOSE_TIME);
        let admission = ready(&mut waiting).await.unwrap();
        let mut waiting = Box::pin(ledger.admit(&clock));
        assert!(ready(&mut waiting).await.is_none());
        drop(admission);
        assert!(ready(&mut waiting).await.is_some());
    }

    #[tokio::test]
    async fn an_idle_connection_that_was_closed_when_a_call_met_it_makes_room() {
        let (ledger, clock) = ledger(1);
        let mut first = connected(&ledger, &clock).await;
        first.can_be_reused();
        drop(first);
        let mut call = ledger.account(false, &clock);
        call.polled(Step::Other);
        // hyper gives it another one, which needs a connector.
        call.polled(Step::Connecting);
        assert_eq!(ledger.state().open, 0);
    }

    #[tokio::test]
    async fn a_connection_may_be_given_to_the_next_call_before_the_last_one_has_ended() {
        let (ledger, clock) = ledger(1);
        let mut first = connected(&ledger, &clock).await;
        let mut second = ledger.account(false, &clock);
        second.polled(Step::Other);
        first.can_be_reused();
        drop(first);
        assert_eq!(counts(&ledger), (1, 0), "the second call uses it");
        clock.advance(RETURN_TIME);
        assert!(ready(&mut Box::pin(ledger.admit(&clock))).await.is_none());
        second.can_be_reused();
        drop(second);
        assert_eq!(counts(&ledger), (1, 1));
    }

    #[tokio::test]
    async fn a_connection_that_was_idle_for_long_and_is_used_does_not_make_the_others_look_old() {
        let (ledger, clock) = ledger(2);
        let mut calls = [connected(&ledger, &clock).await, connected(&ledger, &clock).await];
        calls.iter_mut().for_each(Account::can_be_reused);
        let [first, second] = calls;
        drop(first);
        clock.advance(RETURN_TIME);
        drop(second);
        // This one gets the first connection, while the second is on its way.
        let mut third = ledger.account(false, &clock);
        third.polled(Step::Other);
        assert!(ready(&mut Box::pin(ledger.admit(&clock))).await.is_none());
    }

    #[tokio::test]
    async fn long_polls_have_room_of_their_own() {
        let (ledger, clock) = ledger(1);
        let mut poll = ledger.account(true, &clock);
        ledger.admit(&clock).await.used();
        poll.polled(Step::Connected);
        let mut call = Box::pin(ledger.admit(&clock));
        ready(&mut call).await.unwrap().used();
        assert!(ready(&mut Box::pin(ledger.admit(&clock))).await.is_none());
    }

    #[tokio::test]
    async fn a_connection_that_no_call_waited_for_is_idle() {
        let (ledger, clock) = ledger(1);
        ledger.admit(&clock).await.unused(clock.elapsed());
        let mut call = ledger.account(false, &clock);
        call.polled(Step::Other);
        assert_eq!(counts(&ledger), (1, 0));
    }

    #[tokio::test]
    async fn a_call_waits_for_a_connector_without_a_call_and_not_for_a_connection_that_is_gone() {
        let (ledger, clock) = ledger(1);
        let connector = ledger.admit(&clock).await;
        let mut waiting = Box::pin(ledger.admit(&clock));
        assert!(ready(&mut waiting).await.is_none());
        clock.advance(RETURN_TIME);
        assert!(ready(&mut waiting).await.is_none());
        connector.used();
        clock.advance(RETURN_TIME);
        drop(ready(&mut waiting).await.unwrap());
        assert_eq!(ledger.state().open, 1, "it was not counted");
    }
}
