//! Received messages on their way to the program. Replays are dropped, and only messages that entered the program's queue are
//! acknowledged (client protocols, section 7).
//!
//! If the program does not receive its events, the buffer becomes full, and further messages are dropped. With a reliable
//! subprotocol, they are not acknowledged, so that a recovery brings them back; otherwise, an event counts them.

use std::collections::VecDeque;
use std::time::Duration;

use super::overflow;
use crate::client::event::{Disconnected, Event};

/// The time that a message waits for others to be acknowledged with it, as in the official clients.
const ACK_INTERVAL: Duration = Duration::from_secs(1);
/// The service stores 1000 messages or 16 MB, and acknowledging early stays well below both. After a recovery, it replays all
/// unacknowledged messages, so fewer are better on a network that drops often.
const ACK_MESSAGES: u32 = 64;
const ACK_BYTES: usize = 4 * 1024 * 1024;
/// The buffer for a program that does not receive its events, as large as that of the service.
const MAX_HELD: usize = 1000;
const MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Inbox {
    wants_events: bool,
    held: VecDeque<Held>,
    held_bytes: usize,
    /// The number of held messages with a sequence id.
    held_numbered: usize,
    /// The largest sequence id received.
    seen: Option<u64>,
    /// The largest sequence id up to which the program has received everything.
    taken: Option<u64>,
    unacked: u32,
    unacked_bytes: usize,
    ack_at: Option<Duration>,
    /// Whether messages of this connection were dropped that the service still stores.
    has_gap: bool,
    /// Whether messages were dropped since the program had received everything.
    is_behind: bool,
}

#[derive(Debug)]
pub(super) struct Held {
    sequence_id: Option<u64>,
    /// `None` for a message that only needs an acknowledgment.
    pub(super) event: Option<Event>,
    bytes: usize,
}

impl Inbox {
    pub(super) fn new(wants_events: bool) -> Self {
        Self {
            wants_events,
            held: VecDeque::new(),
            held_bytes: 0,
            held_numbered: 0,
            seen: None,
            taken: None,
            unacked: 0,
            unacked_bytes: 0,
            ack_at: None,
            has_gap: false,
            is_behind: false,
        }
    }

    /// Adds a message. Returns `false` for a replay and for a message that is dropped.
    pub(super) fn message(
        &mut self,
        sequence_id: Option<u64>,
        event: Option<Event>,
        bytes: usize,
        now: Duration,
    ) -> bool {
        if self.is_replay(sequence_id) {
            // The service missed the acknowledgment, so it is repeated.
            self.ack_by(now.saturating_add(ACK_INTERVAL));
            return false;
        }
        if self.has_gap || self.is_full() {
            self.overflow(sequence_id.is_some());
            return false;
        }
        self.seen = sequence_id.or(self.seen);
        self.hold(Held { sequence_id, event: event.filter(|_| self.wants_events), bytes });
        self.skip_without_event(now);
        true
    }

    /// Adds a message that the subscriptions of a group receive instead of the program's queue. Returns `false` for a replay.
    ///
    /// It is acknowledged once all messages before it are. If the buffer is full of those, it is not acknowledged, and the
    /// service sends it again after a recovery.
    pub(super) fn routed(&mut self, sequence_id: Option<u64>, bytes: usize, now: Duration) -> bool {
        if sequence_id.is_none() {
            return true;
        }
        if sequence_id <= self.seen {
            self.ack_by(now.saturating_add(ACK_INTERVAL));
            return false;
        }
        if self.has_gap || (self.held_numbered > 0 && self.is_full()) {
            self.overflow(true);
            return true;
        }
        self.seen = sequence_id;
        if self.held_numbered == 0 {
            self.taken(sequence_id, bytes, now);
        } else {
            self.hold(Held { sequence_id, event: None, bytes });
        }
        true
    }

    /// Adds an event that is not a message.
    pub(super) fn event(&mut self, event: Event) {
        if self.wants_events && !(self.is_full() && overflow::cancels_out(&mut self.held, &event)) {
            self.hold(Held { sequence_id: None, event: Some(event), bytes: 0 });
        }
    }

    pub(super) fn disconnected(&mut self, connection_id: String, reason: &str) {
        let cause = if self.has_gap { "; the program did not receive its events in time" } else { "" };
        self.has_gap = false;
        self.event(Event::Disconnected(Disconnected { connection_id, reason: format!("{reason}{cause}") }));
    }

    /// Drops a message, because the program does not receive its events.
    fn overflow(&mut self, is_numbered: bool) {
        if !std::mem::replace(&mut self.is_behind, true) {
            let (held, bytes) = (self.held.len(), self.held_bytes);
            tracing::warn!(
                held,
                bytes,
                "the program does not receive its events, so further messages are dropped"
            );
        }
        self.has_gap |= is_numbered;
        if !is_numbered && !overflow::count(&mut self.held) {
            self.event(overflow::first());
        }
    }

    /// Returns whether messages were dropped that a recovery can bring back, and there is room for them.
    pub(super) fn wants_replay(&self) -> bool {
        self.has_gap && self.held.len() <= MAX_HELD / 2 && self.held_bytes <= MAX_BYTES / 2
    }

    /// Returns whether the program has not caught up since messages were dropped.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Prepares for a recovered connection, on which the service replays all unacknowledged messages.
    pub(super) fn recovered(&mut self, now: Duration) {
        self.has_gap = false;
        self.acknowledge_at_once(now);
    }

    fn hold(&mut self, held: Held) {
        self.held_bytes += held.bytes;
        self.held_numbered += usize::from(held.sequence_id.is_some());
        self.held.push_back(held);
    }

    /// Takes the next event. From then on, it counts as received.
    pub(super) fn take(&mut self, now: Duration) -> Option<Event> {
        let event = self.release(now)?;
        self.skip_without_event(now);
        event
    }

    /// Removes messages without an event, which count as received once everything before them is.
    fn skip_without_event(&mut self, now: Duration) {
        while self.held.front().is_some_and(|held| held.event.is_none()) {
            self.release(now);
        }
    }

    fn release(&mut self, now: Duration) -> Option<Option<Event>> {
        let held = self.held.pop_front()?;
        self.held_bytes -= held.bytes;
        self.is_behind &= !self.held.is_empty();
        if held.sequence_id.is_some() {
            self.held_numbered -= 1;
            self.taken(held.sequence_id, held.bytes, now);
        }
        Some(held.event)
    }

    /// Counts a message as received.
    fn taken(&mut self, sequence_id: Option<u64>, bytes: usize, now: Duration) {
        self.taken = sequence_id;
        self.unacked += 1;
        self.unacked_bytes += bytes;
        let enough = self.unacked >= ACK_MESSAGES || self.unacked_bytes >= ACK_BYTES;
        self.ack_by(if enough { now } else { now.saturating_add(ACK_INTERVAL) });
    }

    fn ack_by(&mut self, at: Duration) {
        self.ack_at = Some(self.ack_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Acknowledges immediately.
    pub(super) fn acknowledge_at_once(&mut self, now: Duration) {
        self.ack_by(now);
    }

    /// Returns the sequence id to acknowledge if an acknowledgment is due, and marks it as acknowledged.
    pub(super) fn due_ack(&mut self, now: Duration) -> Option<u64> {
        self.ack_at.filter(|at| *at <= now)?;
        (self.ack_at, self.unacked, self.unacked_bytes) = (None, 0, 0);
        self.taken
    }

    /// Returns when the next acknowledgment is due.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.ack_at
    }

    /// Returns whether the message with this sequence id was received before.
    pub(super) fn is_replay(&self, sequence_id: Option<u64>) -> bool {
        sequence_id.is_some() && sequence_id <= self.seen
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= MAX_HELD || self.held_bytes >= MAX_BYTES
    }

    /// Forgets the sequence ids, which restart with each connection. Buffered events are kept.
    pub(super) fn forget_sequence(&mut self) {
        self.held.iter_mut().for_each(|held| held.sequence_id = None);
        self.held_numbered = 0;
        (self.seen, self.taken, self.ack_at) = (None, None, None);
        (self.unacked, self.unacked_bytes) = (0, 0);
    }
}
