//! The bounded send queue of a connection, and the request to close it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use tokio::sync::{Notify, mpsc, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::frame::Invalid;
use crate::clock::Clock;
use crate::faults::sockets::Loss;

pub(super) const MAX_MESSAGES: usize = 1_000;
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How a connection is closed.
#[derive(Debug, Clone)]
pub(super) struct Closing {
    pub(super) code: CloseCode,
    /// The reason in the `disconnected` frame, truncated in the close frame.
    pub(super) reason: Option<String>,
    /// Whether a pub/sub client is sent a `disconnected` frame first.
    pub(super) announced: bool,
    /// Whether queued messages are sent first.
    pub(super) drained: bool,
    /// Whether a client of a reliable protocol may recover the connection.
    pub(super) recoverable: bool,
}

impl From<Invalid> for Closing {
    fn from(Invalid(why): Invalid) -> Self {
        Self::for_fault(CloseCode::Invalid, why)
    }
}

impl Closing {
    /// Closed by the application through REST.
    pub(super) fn by_server(reason: Option<&str>) -> Self {
        Self {
            code: CloseCode::Normal,
            reason: reason.map(str::to_owned),
            announced: true,
            drained: true,
            recoverable: false,
        }
    }

    /// Closed because of something that the client sent.
    pub(super) fn for_fault(code: CloseCode, reason: &str) -> Self {
        Self { code, reason: Some(reason.to_owned()), announced: false, drained: true, recoverable: false }
    }

    /// Replaced by another socket of the same connection.
    pub(super) fn replaced() -> Self {
        Self { code: CloseCode::Normal, reason: None, announced: false, drained: false, recoverable: false }
    }

    /// Closed because no handler processed an event of a simple client.
    pub(super) fn event_failed() -> Self {
        Self::for_fault(CloseCode::Error, "Internal server error")
    }

    /// Closed because the client did not respond to pings.
    pub(super) fn ping_timeout() -> Self {
        let reason = Some("PingTimeout".to_owned());
        Self { code: CloseCode::Away, reason, announced: true, drained: false, recoverable: true }
    }

    /// Closed because the emulator stops.
    pub(super) fn stopping() -> Self {
        let reason = Some("the emulator is shutting down".to_owned());
        Self { code: CloseCode::Away, reason, announced: true, drained: true, recoverable: true }
    }

    /// Closed because the client left too much unread or unacknowledged.
    pub(super) fn slow_client() -> Self {
        let reason = Some("SlowClient".to_owned());
        Self { code: CloseCode::Policy, reason, announced: true, drained: false, recoverable: false }
    }
}

/// The sending half. Clones share the same queue.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    queue: mpsc::UnboundedSender<Queued>,
    size: Arc<Size>,
    /// A factor by which the bounds are multiplied.
    room: usize,
    closing: watch::Sender<Option<Closing>>,
}

/// The receiving half, which the connection's task holds.
#[derive(Debug)]
pub(super) struct Pending {
    queue: mpsc::UnboundedReceiver<Queued>,
    size: Arc<Size>,
    clock: Clock,
    /// Messages taken from the queue that are not due yet, soonest first.
    delayed: VecDeque<(Due, Message)>,
    pub(super) closing: watch::Receiver<Option<Closing>>,
}

/// A queued message, which may expire.
#[derive(Debug)]
struct Queued {
    message: Message,
    expires: Option<SystemTime>,
    /// Not sent before this time. Other messages may overtake it.
    due: Option<Due>,
}

/// When a delayed message is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) at: SystemTime,
    /// Whether it is sent early if the connection closes. Otherwise, it is lost.
    pub(super) at_close: bool,
}

#[derive(Debug, Default)]
struct Size {
    messages: AtomicUsize,
    bytes: AtomicUsize,
    /// How the socket is lost, once that was requested.
    loss: OnceLock<Loss>,
    lost: Notify,
}

/// Creates both halves of a queue.
pub(super) fn outbox(clock: Clock) -> (Outbox, Pending) {
    queue(clock, 1)
}

/// Creates a queue for a connection whose messages are bounded where they are stored. It has the same room again for
/// responses.
pub(super) fn roomy_outbox(clock: Clock) -> (Outbox, Pending) {
    queue(clock, 2)
}

fn queue(clock: Clock, room: usize) -> (Outbox, Pending) {
    // The channel is unbounded; the bounds in messages and bytes are enforced here.
    let (sender, queue) = mpsc::unbounded_channel();
    let (closing, closing_watch) = watch::channel(None);
    let size = Arc::new(Size::default());
    let pending =
        Pending { queue, size: Arc::clone(&size), clock, delayed: VecDeque::new(), closing: closing_watch };
    (Outbox { queue: sender, size, room, closing }, pending)
}

impl Outbox {
    /// Queues a message.
    pub(super) fn push(&self, message: Message) {
        self.push_queued(Queued { message, expires: None, due: None });
    }

    /// Queues all messages.
    pub(super) fn push_all(&self, messages: impl IntoIterator<Item = Message>) {
        messages.into_iter().for_each(|message| self.push(message));
    }

    /// Queues a message that is not sent before a time. Later messages may overtake it.
    pub(super) fn push_at(&self, message: Message, due: Due) {
        self.push_queued(Queued { message, expires: None, due: Some(due) });
    }

    /// Queues a message that is dropped if it is still queued at a given time.
    pub(super) fn push_until(&self, message: Message, expires: Option<SystemTime>) {
        self.push_queued(Queued { message, expires, due: None });
    }

    /// Closes a client whose queue exceeds its bounds.
    fn push_queued(&self, queued: Queued) {
        let length = queued.message.len();
        let messages = self.size.messages.fetch_add(1, Ordering::AcqRel) + 1;
        let bytes = self.size.bytes.fetch_add(length, Ordering::AcqRel) + length;
        if messages > self.room * MAX_MESSAGES || bytes > self.room * MAX_BYTES {
            self.size.take(length);
            self.close(Closing::slow_client());
        } else if self.queue.send(queued).is_err() {
            tracing::trace!("dropped a message for a connection that has just ended");
        }
    }

    /// Requests that the connection be closed. The first request wins.
    pub(super) fn close(&self, closing: Closing) {
        self.closing.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(closing);
            first
        });
    }

    /// Requests that the socket be lost, without a close frame. The first request wins.
    pub(super) fn lose(&self, loss: Loss) {
        let _ = self.size.loss.set(loss);
        self.size.lost.notify_waiters();
    }

    /// Returns once a loss was requested.
    pub(super) async fn lost(&self) -> Loss {
        loop {
            let lost = self.size.lost.notified();
            if let Some(loss) = self.size.loss.get() {
                return *loss;
            }
            lost.await;
        }
    }

    /// The number of messages that are not sent yet.
    pub(super) fn queued(&self) -> usize {
        self.size.messages.load(Ordering::Acquire)
    }

    /// Returns once a close was requested.
    pub(super) async fn closed(&self) {
        // This handle keeps the channel open, so this cannot fail.
        let _ = self.closing.subscribe().wait_for(Option::is_some).await;
    }

    /// Whether both belong to the same queue.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.size, &other.size)
    }

    /// The requested close, if any.
    pub(super) fn closing(&self) -> Option<Closing> {
        self.closing.borrow().clone()
    }

    /// Whether a close was requested.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.borrow().is_some()
    }
}

impl Pending {
    /// Returns the next message, waiting for one if necessary.
    pub(super) async fn next(&mut self) -> Message {
        loop {
            let due = self.delayed.front().map(|(due, _)| due.at);
            let queued = tokio::select! {
                Some(queued) = self.queue.recv() => queued,
                () = self.clock.sleep_until_some(due) => {
                    if let Some((_, message)) = self.delayed.pop_front() {
                        return message;
                    }
                    continue;
                }
            };
            if let Some(message) = self.taken(queued) {
                return message;
            }
        }
    }

    /// Returns the next message that is already queued.
    pub(super) fn try_next(&mut self) -> Option<Message> {
        loop {
            let Ok(queued) = self.queue.try_recv() else { break };
            if let Some(message) = self.taken(queued) {
                return Some(message);
            }
        }
        let due = self.delayed.front().is_some_and(|(due, _)| due.at <= self.clock.now());
        if due { self.delayed.pop_front().map(|(_, message)| message) } else { None }
    }

    /// Returns the next message that is sent before the connection closes.
    pub(super) fn next_at_close(&mut self) -> Option<Message> {
        self.try_next().or_else(|| {
            let position = self.delayed.iter().position(|(due, _)| due.at_close)?;
            self.delayed.remove(position).map(|(_, message)| message)
        })
    }

    /// The message, unless it has expired or is not due yet.
    fn taken(&mut self, queued: Queued) -> Option<Message> {
        self.size.take(queued.message.len());
        let now = self.clock.now();
        match queued.due.filter(|due| due.at > now) {
            Some(due) => {
                let place = self.delayed.partition_point(|(other, _)| other.at <= due.at);
                self.delayed.insert(place, (due, queued.message));
                None
            }
            None => queued.expires.is_none_or(|expires| expires > now).then_some(queued.message),
        }
    }
}

impl Size {
    fn take(&self, bytes: usize) {
        self.messages.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outbox() -> (Outbox, Pending) {
        super::outbox(Clock::new())
    }

    #[test]
    fn a_message_that_waits_past_its_time_is_dropped() {
        let clock = Clock::new();
        let (outbox, mut pending) = super::outbox(clock.clone());
        let later = |seconds| Some(clock.now() + Duration::from_secs(seconds));
        outbox.push_until(Message::text("short"), later(10));
        outbox.push_until(Message::text("long"), later(60));
        outbox.push(Message::text("unlimited"));
        clock.advance(Duration::from_secs(11));
        let left: Vec<_> = std::iter::from_fn(|| pending.try_next()).collect();
        assert_eq!(left, [Message::text("long"), Message::text("unlimited")]);
    }

    #[test]
    fn a_queue_of_more_than_a_thousand_messages_closes_the_client() {
        let (outbox, mut pending) = outbox();
        (0..MAX_MESSAGES).for_each(|_| outbox.push(Message::text("x")));
        assert!(!outbox.is_closing());
        outbox.push(Message::text("x"));
        assert!(outbox.is_closing());
        assert_eq!(std::iter::from_fn(|| pending.try_next()).count(), MAX_MESSAGES);
    }

    #[test]
    fn a_queue_of_more_than_16_megabytes_closes_the_client() {
        let (outbox, _pending) = outbox();
        (0..16).for_each(|_| outbox.push(Message::binary(vec![0; 1024 * 1024])));
        assert!(!outbox.is_closing());
        outbox.push(Message::text("x"));
        assert!(outbox.is_closing());
    }

    #[test]
    fn taking_messages_makes_room_again() {
        let (outbox, mut pending) = outbox();
        for _ in 0..3 * MAX_MESSAGES {
            outbox.push(Message::text("x"));
            pending.try_next();
        }
        assert!(!outbox.is_closing());
    }

    #[test]
    fn the_first_order_to_close_counts() {
        let (outbox, pending) = outbox();
        outbox.close(Closing::by_server(Some("first")));
        outbox.close(Closing::by_server(Some("second")));
        let closing = pending.closing.borrow().clone().unwrap();
        assert_eq!(closing.reason.as_deref(), Some("first"));
    }
}
