//! One fault of an open WebSocket: which sockets it is for, what it does to them, and at which of their frames.

use std::time::Duration;

/// What goes wrong with a WebSocket after its opening, and with which. Made by one of the kinds
/// ([`drop_connection`](Self::drop_connection), [`half_open`](Self::half_open), [`delay_ack`](Self::delay_ack),
/// [`lose_ack`](Self::lose_ack), [`ignore_sequence_ack`](Self::ignore_sequence_ack),
/// [`refuse_recovery`](Self::refuse_recovery)); without further setters it strikes the next socket that gives it the
/// occasion, once. An opening itself is a request, which meets a [`Fault`](super::Fault).
///
/// Frames are those of the client's protocol: text and binary, the `connected` frame included, no control frames. A fault
/// that counts bytes strikes within frames too.
#[derive(Debug, Clone)]
#[must_use = "does nothing until pushed"]
pub struct SocketFault {
    pub(super) kind: Kind,
    pub(super) occasion: Occasion,
    pub(super) after_work: bool,
    hub: Option<String>,
    connection: Option<String>,
    /// How many openings are still to come before it is bound to a socket.
    openings: Option<u32>,
    bound: Option<u64>,
    /// The frame, or the byte, of these that it strikes.
    pub(super) at: u64,
    pub(super) seen: u64,
    pub(super) times: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Drop,
    HalfOpen,
    DelayAck(Duration),
    LoseAck,
    IgnoreSequenceAck,
    RefuseRecovery,
}

/// When a fault may strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    Received,
    ReceivedBytes,
    Sent,
    SentBytes,
    Ack,
    SequenceAck,
    Recovery,
}

impl SocketFault {
    /// The connection ends without a close frame: by default at the next frame received, which is not carried out.
    pub fn drop_connection() -> Self {
        Self::new(Kind::Drop, Occasion::Received)
    }

    /// The socket stays open, and nothing is read or written any more: by default from the next frame received, which
    /// is not carried out. It is let go ten minutes of the emulator's clock after the service has given it up.
    pub fn half_open() -> Self {
        Self::new(Kind::HalfOpen, Occasion::Received)
    }

    /// The next ack to a client comes later by this much time on the emulator's clock, and other frames go before it.
    pub fn delay_ack(by: Duration) -> Self {
        Self::new(Kind::DelayAck(by), Occasion::Ack)
    }

    /// The work is done, and its ack does not come.
    pub fn lose_ack() -> Self {
        Self::new(Kind::LoseAck, Occasion::Ack)
    }

    /// The next sequence ack is not taken: after a recovery, messages that the client has acknowledged come again.
    pub fn ignore_sequence_ack() -> Self {
        Self::new(Kind::IgnoreSequenceAck, Occasion::SequenceAck)
    }

    /// A recovery that would have succeeded is answered with close code 1008, and the connection is gone.
    pub fn refuse_recovery() -> Self {
        Self::new(Kind::RefuseRecovery, Occasion::Recovery)
    }

    /// Strikes at the `frames`-th frame received from now, at least the first. For [`drop_connection`] and
    /// [`half_open`]; no other kind counts frames.
    ///
    /// [`drop_connection`]: Self::drop_connection
    /// [`half_open`]: Self::half_open
    pub fn at_received(self, frames: u32) -> Self {
        self.at(Occasion::Received, frames.into())
    }

    /// Strikes once the `bytes`-th byte from now has been received, at least the first, wherever in a frame that is; what
    /// is whole by then is carried out. Bytes of frames of every kind count, those of their heads included. For
    /// [`drop_connection`](Self::drop_connection) only.
    pub fn at_received_bytes(self, bytes: u64) -> Self {
        self.at(Occasion::ReceivedBytes, bytes)
    }

    /// Strikes once the `frames`-th frame from now has been sent, at least the first. For [`drop_connection`] and
    /// [`half_open`]; no other kind counts frames.
    ///
    /// [`drop_connection`]: Self::drop_connection
    /// [`half_open`]: Self::half_open
    pub fn after_sent(self, frames: u32) -> Self {
        self.at(Occasion::Sent, frames.into())
    }

    /// Strikes once the `bytes`-th byte from now has been sent, at least the first, wherever in a frame that is. Bytes of
    /// frames of every kind count, those of their heads included. For [`drop_connection`](Self::drop_connection) only.
    pub fn after_sent_bytes(self, bytes: u64) -> Self {
        self.at(Occasion::SentBytes, bytes)
    }

    /// Strikes once the received frame has been carried out: its effects stay, its ack does not go out.
    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }

    /// Only for sockets of this hub, whatever the case of its name.
    pub fn hub(mut self, name: impl Into<String>) -> Self {
        self.hub = Some(name.into());
        self
    }

    /// Only for sockets of the connection with this id, those of its recoveries included.
    pub fn connection(mut self, id: impl Into<String>) -> Self {
        self.connection = Some(id.into());
        self
    }

    /// Only for the n-th socket, counted from 1, that opens from now on and is of the hub and connection asked for.
    /// Recoveries count as openings.
    pub fn nth(mut self, n: u32) -> Self {
        self.openings = Some(n.max(1));
        self
    }

    /// How often it strikes, 1 by default; frames are counted anew each time.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn new(kind: Kind, occasion: Occasion) -> Self {
        Self {
            kind,
            occasion,
            after_work: false,
            hub: None,
            connection: None,
            openings: None,
            bound: None,
            at: 1,
            seen: 0,
            times: 1,
        }
    }

    fn at(mut self, occasion: Occasion, count: u64) -> Self {
        let counts = match occasion {
            Occasion::ReceivedBytes | Occasion::SentBytes => self.kind == Kind::Drop,
            _ => matches!(self.kind, Kind::Drop | Kind::HalfOpen),
        };
        if counts {
            self.occasion = occasion;
            self.at = count.max(1);
        }
        self
    }

    /// Takes note of an opening; the one that it waits for is its own.
    pub(super) fn note_opening(&mut self, hub: &str, connection: &str, number: u64) {
        if self.is_of(hub, connection)
            && let Some(openings) = self.openings.filter(|openings| *openings > 0)
        {
            self.openings = Some(openings - 1);
            self.bound = (openings == 1).then_some(number);
        }
    }

    pub(super) fn is_for(&self, hub: &str, connection: &str, number: u64) -> bool {
        let chosen = self.openings.is_none() || self.bound == Some(number);
        chosen && self.is_of(hub, connection)
    }

    fn is_of(&self, hub: &str, connection: &str) -> bool {
        self.hub.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(hub))
            && self.connection.as_ref().is_none_or(|wanted| wanted == connection)
    }
}
