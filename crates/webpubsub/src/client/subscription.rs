//! The bounded buffer between a client's connection and the program that receives the messages of one group.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::Client;
use super::event::{Dropped, GroupEvent, GroupMessage};

/// The default capacity, as large as the buffer of the client's own events.
pub(super) const CAPACITY: usize = 1000;
/// The maximum bytes of the messages in a buffer.
const MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Buffer {
    /// The maximum number of events.
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<GroupEvent>,
    bytes: usize,
    /// Whether messages were dropped since the program had received everything.
    is_behind: bool,
    ended: bool,
    receiver: Option<Waker>,
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// Adds a message, or counts it in an event if the buffer is full. The connection never waits for the program.
    pub(super) fn message(&self, message: GroupMessage) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        if state.events.len() < self.capacity && state.bytes < MAX_BYTES {
            state.bytes += length(&message);
            state.events.push_back(GroupEvent::Message(message));
        } else {
            state.count_dropped();
            if !std::mem::replace(&mut state.is_behind, true) {
                let (held, bytes) = (state.events.len(), state.bytes);
                tracing::warn!(
                    group = message.group,
                    held,
                    bytes,
                    "the program does not receive the messages of a subscription, so further messages are dropped"
                );
            }
        }
        state.wake();
    }

    /// Adds an event that is not a message.
    pub(super) fn change(&self, event: GroupEvent) {
        let mut state = self.lock();
        let is_full = state.events.len() >= self.capacity;
        if state.ended || (is_full && state.cancels_out(&event)) {
            return;
        }
        state.events.push_back(event);
        state.wake();
    }

    /// Ends the subscription after the events that are in the buffer.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.wake();
    }

    /// Takes all messages, and ends the subscription.
    pub(super) fn take_messages(&self) -> Vec<GroupMessage> {
        self.end();
        let events = std::mem::take(&mut self.lock().events);
        let message = |event| if let GroupEvent::Message(message) = event { Some(message) } else { None };
        events.into_iter().filter_map(message).collect()
    }

    /// Receives all events that are in the buffer, and `None` at its end.
    #[cfg(test)]
    pub(super) fn received(&self) -> Vec<Option<GroupEvent>> {
        let context = Context::from_waker(Waker::noop());
        let mut received = Vec::new();
        while let Poll::Ready(event) = self.poll_recv(&context) {
            let is_end = event.is_none();
            received.push(event);
            if is_end {
                break;
            }
        }
        received
    }

    fn poll_recv(&self, context: &Context<'_>) -> Poll<Option<GroupEvent>> {
        let mut state = self.lock();
        if let Some(event) = state.events.pop_front() {
            if let GroupEvent::Message(message) = &event {
                state.bytes -= length(message);
            }
            state.is_behind &= !state.events.is_empty();
            return Poll::Ready(Some(event));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        match &mut state.receiver {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Removes the waker, which would keep the task of the program in memory.
    fn forget_receiver(&self) {
        self.lock().receiver = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.receiver.take() {
            waker.wake();
        }
    }

    /// Counts a dropped message in the event for those before it, if there is one since the last message.
    fn count_dropped(&mut self) {
        let after_messages =
            self.events.iter_mut().rev().take_while(|event| !matches!(event, GroupEvent::Message(_)));
        for event in after_messages {
            if let GroupEvent::Dropped(dropped) = event {
                dropped.messages += 1;
                return;
            }
        }
        self.events.push_back(GroupEvent::Dropped(Dropped { messages: 1 }));
    }

    /// Removes the last event of a full buffer if this one makes it obsolete. Returns whether the event itself is obsolete
    /// too. The changes at the end of the buffer therefore stay few, however often the connection changes.
    fn cancels_out(&mut self, event: &GroupEvent) -> bool {
        if !matches!(event, GroupEvent::Disconnected(_)) {
            return false;
        }
        if matches!(self.events.back(), Some(GroupEvent::Rejoined(_))) {
            self.events.pop_back();
        }
        matches!(self.events.back(), Some(GroupEvent::Disconnected(_)))
    }
}

fn length(message: &GroupMessage) -> usize {
    message.group.len() + message.data.len()
}

/// A subscription that receives the messages of one group in order.
///
/// Created by [`Group::subscribe`](super::Group::subscribe). It also implements [`Stream`], which ends when the client leaves
/// the group, cannot rejoin it, or stops.
///
/// Dropping a subscription does not leave the group. While a group has subscriptions, each of them receives all messages of
/// the group, and [`Client::events`] receives none of them. A subscription keeps the client open, as a clone of the client
/// does.
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
/// use webpubsub::client::GroupEvent;
///
/// let lobby = client.group("lobby");
/// let mut events = lobby.subscribe().await?;
/// lobby.send("hello").await?;
/// lobby.leave().await?;
/// while let Some(event) = events.next().await {
///     match event {
///         GroupEvent::Message(message) => assert_eq!(message.data.as_text(), Some("hello")),
///         other => println!("messages may be missing: {other:?}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[must_use = "messages stay in their buffer until they are received"]
pub struct Subscription {
    buffer: Arc<Buffer>,
    _client: Client,
}

impl Subscription {
    pub(super) fn new(buffer: Arc<Buffer>, client: Client) -> Self {
        Self { buffer, _client: client }
    }

    /// Receives the next event, or returns `None` once the client is no longer in the group or has stopped.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<GroupEvent> {
        let waiting = Waiting(&self.buffer);
        std::future::poll_fn(|context| waiting.0.poll_recv(context)).await
    }
}

impl Stream for Subscription {
    type Item = GroupEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<GroupEvent>> {
        self.buffer.poll_recv(context)
    }
}

/// A call of [`Subscription::next`], which can be dropped while it waits.
struct Waiting<'a>(&'a Buffer);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.forget_receiver();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription(..)")
    }
}
