//! The state machine of one client, without I/O and without a clock: it decides what to send, what to deliver, when to
//! acknowledge, when to recover and when to give up (client protocols, sections 6, 7 and 11). The caller passes the current
//! time to each method.

mod backoff;
mod end;
mod groups;
mod inbox;
#[cfg(feature = "preview")]
mod invocations;
mod keep_alive;
mod lifecycle;
mod losses;
mod op;
mod outbox;
mod outcomes;
mod overflow;
#[cfg(feature = "preview")]
mod preview;
#[cfg(feature = "preview")]
mod streams;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tick;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

pub(super) use backoff::Jitter;
pub use backoff::Reconnect;
pub(super) use lifecycle::{Action, Attempt, Loss};
pub(super) use op::{Done, Effect, Op};

use super::codec::Protocol;
use super::event::{Connected, Event, Recovered, Recovering};
use super::frame::{self, Downstream, Incoming, Upstream};
use super::state::State;
use groups::Groups;
use inbox::Inbox;
use lifecycle::Lifecycle;
use outbox::Outbox;
use subscriptions::Subscriptions;

/// The settings of a session.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) protocol: Protocol,
    pub(super) reconnect: Reconnect,
    pub(super) ack_timeout: Duration,
    pub(super) max_pending: usize,
    pub(super) attempt_timeout: Duration,
    /// Zero disables it.
    pub(super) ping_interval: Duration,
    /// Zero disables it.
    pub(super) idle_timeout: Duration,
    pub(super) resend: bool,
    pub(super) rejoin: bool,
    pub(super) wants_events: bool,
    /// Whether the access is one fixed URL, so that a rejected handshake is final.
    pub(super) fixed_access: bool,
}

/// The grace period of a closing client, first for outstanding acks and then for the closing handshake.
pub(super) const DRAIN: Duration = Duration::from_secs(5);

/// Frames that were written to a socket and that it has not accepted completely.
#[derive(Debug)]
struct Unflushed {
    since: Duration,
    is_logged: bool,
}

pub(super) struct Session {
    settings: Settings,
    lifecycle: Lifecycle,
    connection: Option<frame::Connected>,
    inbox: Inbox,
    outbox: Outbox,
    groups: Groups,
    subscriptions: Subscriptions,
    #[cfg(feature = "preview")]
    publishers: streams::Publishers,
    #[cfg(feature = "preview")]
    incoming: streams::Incoming,
    /// Frames of the session itself, which are written first.
    control: VecDeque<Message>,
    /// The sequence ack to write next; a later one replaces it.
    due_ack: Option<u64>,
    next_id: Arc<AtomicU64>,
    /// The reason in the last `disconnected` frame; cleared when the connection makes progress.
    disconnect_reason: Option<String>,
    /// The frames that were written and not flushed yet.
    unflushed: Option<Unflushed>,
    /// Whether a connection has been established since the start.
    has_connected: bool,
    /// Whether the connection was lost and has not been recovered or given up since.
    is_recovering: bool,
}

impl Session {
    /// Creates a session that needs its first connection.
    pub(super) fn new(settings: Settings, next_id: Arc<AtomicU64>, jitter: Jitter, now: Duration) -> Self {
        Self {
            lifecycle: Lifecycle::new(&settings, jitter, now),
            inbox: Inbox::new(settings.wants_events),
            outbox: Outbox::new(settings.max_pending),
            groups: Groups::default(),
            subscriptions: Subscriptions::default(),
            #[cfg(feature = "preview")]
            publishers: streams::Publishers::default(),
            #[cfg(feature = "preview")]
            incoming: streams::Incoming::default(),
            control: VecDeque::new(),
            due_ack: None,
            connection: None,
            disconnect_reason: None,
            unflushed: None,
            has_connected: false,
            is_recovering: false,
            settings,
            next_id,
        }
    }

    /// Returns what the task has to do now.
    pub(super) fn action(&self) -> Action {
        self.lifecycle.action()
    }

    /// Returns whether a connection has been established since the start.
    pub(super) fn has_connected(&self) -> bool {
        self.has_connected
    }

    /// Returns the state that the program sees.
    pub(super) fn state(&self) -> State {
        self.lifecycle.state(self.is_recovering)
    }

    /// Returns the connection that a recovery resumes.
    pub(super) fn connection(&self) -> Option<&frame::Connected> {
        self.connection.as_ref()
    }

    /// Returns the next event for the program. From then on, it counts as received and can be acknowledged.
    pub(super) fn take_event(&mut self, now: Duration) -> Option<Event> {
        self.inbox.take(now)
    }

    /// Handles an opened WebSocket.
    pub(super) fn opened(&mut self, attempt: Attempt, now: Duration) {
        self.control.clear();
        (self.due_ack, self.unflushed) = (None, None);
        self.lifecycle.opened(attempt, now);
        if attempt == Attempt::Recovery {
            tracing::debug!("connection recovered");
            self.outbox.recovered();
            self.inbox.recovered(now);
            #[cfg(feature = "preview")]
            self.streams_recovered(now);
        }
    }

    /// Records that a control frame was received.
    pub(super) fn receive_control(&mut self) {
        self.recovered();
    }

    /// Ends a recovery, since something was received on the recovered connection.
    fn recovered(&mut self) {
        if std::mem::take(&mut self.is_recovering)
            && let Some(connection) = &self.connection
        {
            let connection_id = connection.connection_id.clone();
            self.inbox.event(Event::Recovered(Recovered { connection_id }));
        }
    }

    /// Records that data was received from the service.
    pub(super) fn heard(&mut self, now: Duration) {
        self.lifecycle.heard(now);
    }

    /// Handles a received frame of this length.
    pub(super) fn receive(&mut self, frame: Downstream, length: usize, now: Duration) {
        let reliable = self.settings.protocol.is_reliable();
        if !self.is_replaced_by(&frame) {
            self.recovered();
        }
        match frame {
            Downstream::Connected(connected) => self.connected(connected, now),
            Downstream::Disconnected { reason } => {
                self.disconnect_reason = reason.filter(|reason| !reason.is_empty());
            }
            Downstream::Message { sequence_id, message } => {
                if self.message(sequence_id.filter(|_| reliable), message, length, now) {
                    self.progressed();
                }
            }
            Downstream::Ack { id, rejection } => self.acked(id, rejection),
            Downstream::Pong => {}
            #[cfg(feature = "preview")]
            Downstream::Preview(frame) => self.preview(frame, length, now),
            Downstream::Skipped { sequence_id, why } => {
                tracing::warn!(length, sequence_id, why, "skipped a frame from the service");
                if let Some(id) = sequence_id.filter(|_| reliable) {
                    self.inbox.message(Some(id), None, length, now);
                }
            }
        }
    }

    /// Delivers a message. Returns `false` for a replay and for a message that is dropped.
    fn message(&mut self, sequence_id: Option<u64>, message: Incoming, length: usize, now: Duration) -> bool {
        let event = match message {
            #[cfg(feature = "preview")]
            Incoming::Group(message) if self.incoming.wants(&message) => {
                return self.inbox.routed(sequence_id, length, now)
                    && self.incoming.deliver(&message, sequence_id, now);
            }
            Incoming::Group(message) if self.subscriptions.contains(&message.group) => {
                return self.inbox.routed(sequence_id, length, now)
                    && self.subscriptions.deliver(message, sequence_id);
            }
            Incoming::Group(message) => Event::GroupMessage(message),
            Incoming::Server(message) => Event::ServerMessage(message),
        };
        self.inbox.message(sequence_id, Some(event), length, now)
    }

    /// Returns whether this frame announces a new connection instead of the recovered one.
    fn is_replaced_by(&self, frame: &Downstream) -> bool {
        match (frame, &self.connection) {
            (Downstream::Connected(new), Some(known)) => new.connection_id != known.connection_id,
            _ => false,
        }
    }

    fn connected(&mut self, connected: frame::Connected, now: Duration) {
        match &mut self.connection {
            // After a recovery, the service may repeat the frame with a new token (section 7).
            Some(known) if known.connection_id == connected.connection_id => {
                if connected.reconnection_token.is_some() {
                    known.reconnection_token = connected.reconnection_token;
                }
                return;
            }
            Some(_) => self.disconnected("the service replaced the connection with a new one"),
            None => {}
        }
        self.has_connected = true;
        self.lifecycle.connected(now);
        self.inbox.event(Event::Connected(Connected {
            connection_id: connected.connection_id.clone(),
            user_id: connected.user_id.clone(),
        }));
        self.connection = Some(connected);
        if self.settings.rejoin {
            self.rejoin(now);
        }
    }

    fn rejoin(&mut self, now: Duration) {
        let timeout = self.settings.ack_timeout;
        let ops = self.groups.names().map(|group| {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let frame = self.settings.protocol.encode(&Upstream::JoinGroup { group, ack_id: Some(id) });
            Op::rejoin(group.to_owned(), id, frame, timeout, now)
        });
        self.outbox.rejoin(ops.collect());
    }

    /// Queues a request.
    pub(super) fn submit(&mut self, op: impl Into<Box<Op>>) {
        let op: Box<Op> = op.into();
        if self.lifecycle.is_ending() {
            let error = Op::closed(op.name, false);
            return self.settle(*op, Err(error));
        }
        if op.ack_id.is_some_and(|id| self.outbox.is_in_flight(id)) {
            let error = op.id_in_use();
            return self.settle(*op, Err(error));
        }
        if let Effect::Subscribe(group, buffer) = &op.effect {
            self.subscriptions.add(group, buffer);
        }
        #[cfg(feature = "preview")]
        if let Effect::ReceiveStreams(group, accepting) = &op.effect {
            self.incoming.add(group, accepting);
        }
        self.outbox.submit(op);
    }

    /// Returns the next frame to write. From then on, the service may have received it.
    pub(super) fn next_frame(&mut self, now: Duration) -> Option<Message> {
        let frame = self.next_pending(now);
        if frame.is_some() {
            self.unflushed.get_or_insert(Unflushed { since: now, is_logged: false });
        }
        frame
    }

    fn next_pending(&mut self, now: Duration) -> Option<Message> {
        if let Some(frame) = self.control.pop_front() {
            return Some(frame);
        }
        if !self.is_connected() {
            return None;
        }
        match self.inbox.due_ack(now).or(self.due_ack) {
            Some(id) => {
                self.due_ack = None;
                Some(self.settings.protocol.encode(&Upstream::SequenceAck(id)))
            }
            None => {
                let frame = self.outbox.next_frame(&mut self.groups);
                #[cfg(feature = "preview")]
                let frame = frame.or_else(|| self.publishers.next_frame(now));
                frame
            }
        }
    }

    fn is_connected(&self) -> bool {
        self.action() == Action::Exchange && self.connection.is_some()
    }

    /// Records that everything that was written has been flushed to the socket.
    pub(super) fn flushed(&mut self) {
        self.unflushed = None;
        for op in self.outbox.take_unflushed() {
            self.settle(op, Ok(false));
        }
    }
}
