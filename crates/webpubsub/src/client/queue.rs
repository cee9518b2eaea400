//! The bounded queue between a client's connection and the program that receives its events.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::Client;
use super::event::Event;
use super::measure::Measure;

#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    measure: Measure,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    closed: bool,
    /// The handles that wait for an event.
    receivers: BTreeMap<u64, Waker>,
    next_receiver: u64,
    sender: Option<Waker>,
}

impl Queue {
    pub(super) fn new(capacity: usize, measure: Measure) -> Self {
        Self { capacity, measure, state: Mutex::default() }
    }

    /// Returns how many events the program has not received.
    pub(super) fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// Fills the queue up to its capacity. If it is then full, wakes the task once there is room again.
    pub(super) fn fill(&self, context: &Context<'_>, mut next: impl FnMut() -> Option<Event>) -> bool {
        let mut state = self.lock();
        let before = state.events.len();
        while state.events.len() < self.capacity
            && let Some(event) = next()
        {
            state.events.push_back(event);
        }
        let added = state.events.len() - before;
        if added > 0 {
            state.wake_receivers();
        }
        state.sender = (state.events.len() >= self.capacity).then(|| context.waker().clone());
        drop(state);
        self.measure.queued(added.cast_signed());
        added > 0
    }

    /// Adds the last events, regardless of the capacity, and closes the queue. Later calls do nothing.
    pub(super) fn close(&self, last: impl Iterator<Item = Event>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let before = state.events.len();
        state.events.extend(last);
        let added = state.events.len() - before;
        state.closed = true;
        state.wake_receivers();
        drop(state);
        self.measure.queued(added.cast_signed());
    }

    fn poll_recv(&self, receiver: u64, context: &Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        if let Some(event) = state.events.pop_front() {
            // Waits until the queue is half empty, so that a full queue does not wake the connection for each event.
            if state.events.len() <= self.capacity / 2
                && let Some(sender) = state.sender.take()
            {
                sender.wake();
            }
            drop(state);
            self.measure.queued(-1);
            return Poll::Ready(Some(event));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match state.receivers.entry(receiver) {
            Entry::Occupied(mut waker) => waker.get_mut().clone_from(context.waker()),
            Entry::Vacant(entry) => drop(entry.insert(context.waker().clone())),
        }
        Poll::Pending
    }

    /// Removes the waker of a handle that no longer waits, which would keep its task in memory.
    fn forget(&self, receiver: u64) {
        self.lock().receivers.remove(&receiver);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what the program never received out of the count.
impl Drop for Queue {
    fn drop(&mut self) {
        self.measure.queued(-self.len().cast_signed());
    }
}

impl State {
    fn wake_receivers(&mut self) {
        std::mem::take(&mut self.receivers).into_values().for_each(Waker::wake);
    }
}

/// A handle that receives the events of a [`Client`] in order.
///
/// Created by [`Client::events`]. It also implements [`Stream`], which ends after [`Event::Stopped`].
///
/// All handles of a client share one queue: each event goes to exactly one of them. A handle keeps the client open, as a
/// clone of the client does.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
/// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
/// # let url = emulator.webpubsub().client_access_url("chat", &token);
/// # let client = webpubsub::Client::builder(url).connect().await?;
/// use webpubsub::client::Event;
///
/// let mut events = client.events();
/// client.close().await;
/// while let Some(event) = events.next().await {
///     if let Event::Stopped(stopped) = event {
///         assert!(stopped.error.is_none());
///     }
/// }
/// # Ok(()) }
/// ```
#[must_use = "events stay in their queue until they are received"]
pub struct Events {
    queue: Arc<Queue>,
    receiver: u64,
    _client: Client,
}

impl Events {
    pub(super) fn new(queue: Arc<Queue>, client: Client) -> Self {
        let mut state = queue.lock();
        let receiver = state.next_receiver;
        state.next_receiver += 1;
        drop(state);
        Self { queue, receiver, _client: client }
    }

    /// Receives the next event, or returns `None` after [`Event::Stopped`].
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no event is lost if the future is dropped. With a reliable subprotocol, a returned message
    /// counts as received and is acknowledged to the service.
    pub async fn next(&mut self) -> Option<Event> {
        let mut waiting = Waiting { events: self, is_registered: false };
        std::future::poll_fn(|context| {
            let event = waiting.events.poll(context);
            waiting.is_registered = event.is_pending();
            event
        })
        .await
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll_recv(self.receiver, context)
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.forget(self.receiver);
    }
}

/// A call of [`Events::next`], which can be dropped while it waits.
struct Waiting<'a> {
    events: &'a Events,
    /// Whether the queue has the waker. A queue with events has none.
    is_registered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_registered {
            self.events.queue.forget(self.events.receiver);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events(..)")
    }
}
