//! The bounded queue between a client's connection and the program that takes its events.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::Client;
use super::event::Event;

#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    closed: bool,
    takers: Vec<Waker>,
    giver: Option<Waker>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// Fills the queue as far as there is room. Whoever fills it is woken when there is some again.
    pub(super) fn fill(&self, context: &Context<'_>, mut next: impl FnMut() -> Option<Event>) -> bool {
        let mut state = self.lock();
        let before = state.events.len();
        while state.events.len() < self.capacity
            && let Some(event) = next()
        {
            state.events.push_back(event);
        }
        let filled = state.events.len() > before;
        if filled {
            state.takers.drain(..).for_each(Waker::wake);
        }
        state.giver = (state.events.len() >= self.capacity).then(|| context.waker().clone());
        filled
    }

    /// Adds the last events, whatever room there is; done once.
    pub(super) fn close(&self, last: impl Iterator<Item = Event>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.events.extend(last);
        state.closed = true;
        state.takers.drain(..).for_each(Waker::wake);
    }

    fn poll_take(&self, context: &Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        if let Some(event) = state.events.pop_front() {
            // Half the room, so that a full queue does not wake the connection for each event.
            if state.events.len() <= self.capacity / 2
                && let Some(giver) = state.giver.take()
            {
                giver.wake();
            }
            return Poll::Ready(Some(event));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        if !state.takers.iter().any(|taker| taker.will_wake(context.waker())) {
            state.takers.push(context.waker().clone());
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events of a [`Client`], in order; made by [`Client::events`]. It is a `Stream` as well, which ends after
/// [`Event::Stopped`].
///
/// Handles of one client take from one queue, so that each event goes to one of them. A handle keeps the client
/// connected, like a clone of the client.
#[must_use = "events wait in their queue until they are taken"]
pub struct Events {
    pub(super) queue: Arc<Queue>,
    pub(super) _client: Client,
}

impl Events {
    /// The next event; `None` after the last one. What is taken counts as received, and waiting can be broken off without
    /// losing anything.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.queue.poll_take(context)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll_take(context)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events(..)")
    }
}
