//! One client's life as a state machine without IO and without a clock: what to send, what to deliver, when to
//! acknowledge, when to recover and when to give up (client protocols, sections 6, 7 and 11). Times are those of the
//! client's clock, and come in from outside.

mod backoff;
mod end;
mod groups;
mod inbox;
mod life;
mod op;
mod outbox;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use service_core::{Error, Result};
use tokio_tungstenite::tungstenite::Message;

pub(super) use backoff::Jitter;
pub use backoff::Reconnect;
pub(super) use life::{Attempt, Loss, Step};
pub(super) use op::{Done, Effect, Op};

use super::codec::Protocol;
use super::event::{Connected, Event, RejoinFailed};
use super::frame::{self, Downstream, Incoming, Refusal, Upstream};
use groups::Groups;
use inbox::Inbox;
use life::Life;
use outbox::Outbox;

/// What a user can set about the session.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) protocol: Protocol,
    pub(super) reconnect: Reconnect,
    pub(super) ack_timeout: Duration,
    pub(super) attempt_timeout: Duration,
    /// Zero switches it off.
    pub(super) ping_interval: Duration,
    /// Zero switches it off.
    pub(super) silence_limit: Duration,
    pub(super) resend: bool,
    pub(super) rejoin: bool,
    pub(super) wants_events: bool,
    /// An access that cannot change: what it is refused with is final.
    pub(super) fixed_access: bool,
}

/// How long the end of a client may take: acks that are still to come, and then the closing handshake.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) struct Session {
    settings: Settings,
    life: Life,
    connection: Option<frame::Connected>,
    inbox: Inbox,
    outbox: Outbox,
    groups: Groups,
    /// Frames of this session's own, before all others.
    control: VecDeque<Message>,
    /// The sequence ack to write next; a later one takes its place.
    due_ack: Option<u64>,
    next_id: Arc<AtomicU64>,
    /// What the service said before it closed the connection; kept until the connection proves good again.
    parting: Option<String>,
    /// The first connection stands.
    greeted: bool,
}

impl Session {
    /// A session that wants its first connection.
    pub(super) fn new(settings: Settings, next_id: Arc<AtomicU64>, jitter: Jitter, now: Duration) -> Self {
        Self {
            life: Life::new(&settings, jitter, now),
            inbox: Inbox::new(settings.wants_events),
            outbox: Outbox::default(),
            groups: Groups::default(),
            control: VecDeque::new(),
            due_ack: None,
            connection: None,
            parting: None,
            greeted: false,
            settings,
            next_id,
        }
    }

    /// What the session wants of its surroundings now.
    pub(super) fn step(&self) -> Step {
        self.life.step()
    }

    /// Whether the first connection stands.
    pub(super) fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// What a recovery has to show.
    pub(super) fn connection(&self) -> Option<&frame::Connected> {
        self.connection.as_ref()
    }

    /// Whether so much waits for the program that nothing more is to be read. A client that ends reads on: what it waits for
    /// are acks and the service's close frame.
    pub(super) fn is_full(&self) -> bool {
        self.inbox.is_full() && !self.life.is_ending()
    }

    /// The next event for the program, which then has it: it may be acknowledged.
    pub(super) fn take_event(&mut self, now: Duration) -> Option<Event> {
        self.inbox.take(now)
    }

    /// The WebSocket of this attempt stands.
    pub(super) fn opened(&mut self, attempt: Attempt, now: Duration) {
        self.control.clear();
        self.due_ack = None;
        self.life.opened(attempt, now);
        if attempt == Attempt::Recovery {
            tracing::debug!("the connection is recovered");
            self.outbox.recovered();
            self.inbox.acknowledge_at_once(now);
        }
    }

    /// Anything came from the service.
    pub(super) fn heard(&mut self, now: Duration) {
        self.life.heard(now);
    }

    /// A frame of this length came.
    pub(super) fn receive(&mut self, frame: Downstream, length: usize, now: Duration) {
        let reliable = self.settings.protocol.is_reliable();
        match frame {
            Downstream::Connected(connected) => self.connected(connected, now),
            Downstream::Disconnected { reason } => self.parting = reason.filter(|reason| !reason.is_empty()),
            // As if it had come after the end: the service has not heard that it arrived.
            Downstream::Message { .. } | Downstream::Skipped { .. } if self.inbox.is_full() => {}
            Downstream::Message { sequence_id, message } => {
                let event = match message {
                    Incoming::Group(message) => Event::GroupMessage(message),
                    Incoming::Server(message) => Event::ServerMessage(message),
                };
                if self.inbox.message(sequence_id.filter(|_| reliable), Some(event), length, now) {
                    self.progressed();
                }
            }
            Downstream::Ack { id, refusal } => {
                self.progressed();
                self.acked(id, refusal);
            }
            Downstream::Pong => self.progressed(),
            Downstream::Skipped { sequence_id, why } => {
                tracing::warn!(length, sequence_id, why, "a frame from the service was skipped");
                if let Some(id) = sequence_id.filter(|_| reliable) {
                    self.inbox.message(Some(id), None, length, now);
                }
            }
        }
    }

    fn connected(&mut self, connected: frame::Connected, now: Duration) {
        match &mut self.connection {
            // After a recovery the service may say again what is known, with a new token (section 7).
            Some(known) if known.connection_id == connected.connection_id => {
                if connected.reconnection_token.is_some() {
                    known.reconnection_token = connected.reconnection_token;
                }
                return;
            }
            Some(_) => self.disconnected("the service gave another connection in its place"),
            None => {}
        }
        self.greeted = true;
        self.life.connected(now);
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
        let deadline = now.saturating_add(self.settings.ack_timeout);
        let ops = self.groups.names().map(|group| {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let frame = self.settings.protocol.encode(&Upstream::JoinGroup { group, ack_id: Some(id) });
            Op::rejoin(group.to_owned(), id, frame, deadline)
        });
        self.outbox.rejoin(ops.collect());
    }

    fn acked(&mut self, id: u64, refusal: Option<Refusal>) {
        let Some(op) = self.outbox.acked(id) else {
            tracing::debug!(id, "an ack that nobody waits for");
            return;
        };
        let refusal = refusal.filter(|refusal| !refusal.is_duplicate());
        self.groups.answered(&op, refusal.is_none());
        let outcome = refusal.map_or(Ok(()), |refusal| Err(op.refused(refusal)));
        self.settle(op, outcome);
    }

    fn settle(&mut self, op: Op, outcome: Result<()>) {
        match (op.done, outcome) {
            (Done::Caller { sender, .. }, outcome) => {
                // Whoever asked may have stopped waiting.
                let _ = sender.send(outcome);
            }
            (Done::Rejoin(group), Err(error)) => {
                self.groups.not_rejoined(&group);
                self.inbox.event(Event::RejoinFailed(RejoinFailed { group, error }));
            }
            (Done::Rejoin(_), Ok(())) => {}
        }
    }

    /// Takes over what the program wants to be sent.
    pub(super) fn submit(&mut self, mut op: Op, now: Duration) {
        if self.life.is_ending() {
            let error = Op::closed(op.name, false);
            return self.settle(op, Err(error));
        }
        op.deadline = now.saturating_add(self.settings.ack_timeout);
        self.outbox.submit(op);
    }

    /// The next frame to write. Once it is out of here, the service may have got it.
    pub(super) fn next_frame(&mut self, now: Duration) -> Option<Message> {
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
            None => self.outbox.next_frame(&mut self.groups),
        }
    }

    fn is_connected(&self) -> bool {
        self.step() == Step::Talk && self.connection.is_some()
    }

    /// Everything that was written has left this process.
    pub(super) fn flushed(&mut self) {
        for op in self.outbox.take_leaving() {
            self.settle(op, Ok(()));
        }
    }

    /// The WebSocket has ended.
    pub(super) fn lost(&mut self, loss: Loss, now: Duration) {
        for op in self.outbox.take_leaving() {
            let error = op.lost();
            self.settle(op, Err(error));
        }
        let reason = loss.reason;
        tracing::debug!(code = loss.code, reason, "the connection is lost");
        if self.life.is_ending() {
            return self.stop(None);
        }
        if self.connection.is_none() {
            let reason = self.parting.take().unwrap_or(reason);
            return self.failed(life::not_connected(&reason), now);
        }
        let has_token = self.connection.as_ref().is_some_and(|known| known.reconnection_token.is_some());
        let recoverable =
            self.settings.protocol.is_reliable() && has_token && loss.code != Some(life::NOT_RECOVERABLE);
        self.life.noted_loss(now);
        if !recoverable || !self.life.try_recovery(None, now) {
            self.give_up(&reason, now);
        }
    }

    /// An attempt to connect has failed.
    pub(super) fn failed(&mut self, error: Error, now: Duration) {
        tracing::debug!(%error, "connecting has failed");
        if self.connection.is_some() {
            if life::refuses_recovery(&error) || !self.life.try_recovery(error.retry_after(), now) {
                self.give_up(&error.to_string(), now);
            }
        } else if !self.greeted
            || (self.settings.fixed_access && life::is_refusal(&error))
            || error.is_invalid_input()
        {
            self.stop(Some(error));
        } else {
            self.try_anew(error, now);
        }
    }

    /// The connection is over; another one is tried.
    fn give_up(&mut self, reason: &str, now: Duration) {
        let reason = self.parting.take().unwrap_or_else(|| reason.to_owned());
        self.disconnected(&reason);
        self.try_anew(life::not_connected(&reason), now);
    }

    fn progressed(&mut self) {
        self.life.progressed();
        self.parting = None;
    }

    fn try_anew(&mut self, error: Error, now: Duration) {
        if !self.life.try_anew(error.retry_after(), now) {
            self.stop(Some(error));
        }
    }

    /// Forgets what belonged to the connection, and tells who is concerned.
    fn disconnected(&mut self, reason: &str) {
        self.inbox.forget_sequence();
        self.control.clear();
        self.due_ack = None;
        for op in self.outbox.lost(self.settings.resend) {
            if let Done::Caller { .. } = op.done {
                let error = op.lost();
                self.settle(op, Err(error));
            }
        }
        self.groups.lost();
        if let Some(connection) = self.connection.take() {
            self.inbox.disconnected(connection.connection_id, reason);
        }
    }

    /// Lets time do its work.
    pub(super) fn tick(&mut self, now: Duration) {
        for (op, written) in self.outbox.expired(now) {
            let error = op.expired(written, self.settings.ack_timeout);
            self.settle(op, Err(error));
        }
        if self.is_connected() {
            // Taken out here as well, since a socket that takes nothing would leave it due for ever.
            self.due_ack = self.inbox.due_ack(now).or(self.due_ack);
        }
        match self.life.tick(now, self.is_full()) {
            life::Tick::Nothing => {}
            life::Tick::Ping => self.control.push_back(self.settings.protocol.encode(&Upstream::Ping)),
            life::Tick::Silent => {
                let reason = format!("nothing came for {:?}", self.settings.silence_limit);
                self.lost(Loss { code: None, reason }, now);
            }
            life::Tick::NotConnected => self.failed(life::too_slow(self.settings.attempt_timeout), now),
            life::Tick::NotRecovered => self.give_up("the connection could not be recovered in time", now),
        }
        if self.is_drained() || self.life.drained_long_enough(now) {
            self.finish(now);
        }
    }

    /// When to tick next, at the latest.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let ack = self.inbox.deadline().filter(|_| self.is_connected());
        let deadlines = [self.life.deadline(self.is_full()), ack, self.outbox.deadline()];
        deadlines.into_iter().flatten().min()
    }
}
