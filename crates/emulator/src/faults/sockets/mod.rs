//! The faults of open WebSockets from a socket's point of view: at each of its frames, a socket asks whether a fault is
//! due.

mod socket_fault;

use std::time::Duration;

pub use socket_fault::{SocketFault, StreamNack};

use super::{FaultId, Faults, ScheduledFault};
use socket_fault::{Kind, Occasion};

/// The scripted faults of sockets, first in, first out.
#[derive(Debug, Default)]
pub(super) struct SocketScript {
    queue: Vec<SocketFault>,
    opened: u64,
}

impl Faults {
    /// Appends a fault of open WebSockets to the queue and returns its id. The first fault in the queue that matches a
    /// frame affects it. The others wait.
    pub fn push_socket(&self, mut fault: SocketFault) -> FaultId {
        let mut script = self.script();
        fault.id = script.next_id();
        let id = fault.id;
        script.sockets.push(fault);
        id
    }
}

/// The faults that can affect one socket.
#[derive(Debug, Clone)]
pub(crate) struct SocketFaults {
    faults: Faults,
    hub: String,
    connection: String,
    number: u64,
}

/// How a socket is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It ends without a close frame.
    Dropped,
    /// It stays open, but reads and writes nothing.
    HalfOpen,
}

/// What happens to an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckFault {
    Delayed(Duration),
    Lost,
}

/// A loss at a received frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) loss: Loss,
    /// Whether the frame is processed first.
    pub(crate) after_processing: bool,
}

/// The direction in which bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

impl Way {
    fn occasion(self) -> Occasion {
        match self {
            Self::In => Occasion::ReceivedBytes,
            Self::Out => Occasion::SentBytes,
        }
    }
}

impl SocketScript {
    pub(super) fn push(&mut self, fault: SocketFault) {
        if fault.times > 0 {
            self.queue.push(fault);
        }
    }

    pub(super) fn pending(&self) -> usize {
        self.queue.iter().map(|fault| fault.times as usize).sum()
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    pub(super) fn scheduled(&self) -> impl Iterator<Item = ScheduledFault> + '_ {
        self.queue.iter().map(|fault| ScheduledFault {
            id: fault.id,
            sockets: true,
            remaining: Some(fault.times),
            settings: fault.settings(),
        })
    }

    /// Returns whether there was such a fault.
    pub(super) fn remove(&mut self, id: FaultId) -> bool {
        let before = self.queue.len();
        self.queue.retain(|fault| fault.id != id);
        self.queue.len() < before
    }

    fn open(&mut self, hub: &str, connection: &str) -> u64 {
        self.opened += 1;
        for fault in &mut self.queue {
            fault.note_opening(hub, connection, self.opened);
        }
        self.opened
    }

    /// The position of the first fault that matches this socket and occasion.
    fn place(&self, socket: &SocketFaults, occasion: Occasion) -> Option<usize> {
        self.queue.iter().position(|fault| {
            fault.occasion == occasion && fault.is_for(&socket.hub, &socket.connection, socket.number)
        })
    }

    /// Counts more frames or bytes and returns the fault that is now due. Only the first matching fault counts them.
    fn strike(&mut self, socket: &SocketFaults, occasion: Occasion, more: u64) -> Option<SocketFault> {
        let place = self.place(socket, occasion)?;
        let fault = &mut self.queue[place];
        fault.seen += more;
        if fault.seen < fault.at {
            return None;
        }
        fault.seen = 0;
        fault.times -= 1;
        if fault.times == 0 { Some(self.queue.remove(place)) } else { Some(fault.clone()) }
    }
}

impl SocketFaults {
    /// Registers the opening of a socket.
    pub(crate) fn open(faults: &Faults, hub: &str, connection: &str) -> Self {
        let number = faults.script().sockets.open(hub, connection);
        Self { faults: faults.clone(), hub: hub.to_owned(), connection: connection.to_owned(), number }
    }

    /// The fault that affects the frame that was received.
    pub(crate) fn received(&self) -> Option<Struck> {
        let fault = self.strike(Occasion::Received)?;
        Some(Struck { loss: loss(fault.kind)?, after_processing: fault.after_processing })
    }

    /// What happens after the frame that was sent.
    pub(crate) fn sent(&self) -> Option<Loss> {
        loss(self.strike(Occasion::Sent)?.kind)
    }

    /// The fault that affects the ack of a request, whether the request succeeded or failed.
    pub(crate) fn ack(&self) -> Option<AckFault> {
        match self.strike(Occasion::Ack)?.kind {
            Kind::DelayAck(by) => Some(AckFault::Delayed(by)),
            Kind::LoseAck => Some(AckFault::Lost),
            _ => None,
        }
    }

    /// Whether to ignore a sequence ack.
    pub(crate) fn ignores_sequence_ack(&self) -> bool {
        self.strike(Occasion::SequenceAck).is_some()
    }

    /// Whether to reject a recovery that would succeed.
    pub(crate) fn rejects_recovery(&self) -> bool {
        self.strike(Occasion::Recovery).is_some()
    }

    /// Whether to omit the ack of a stream.
    pub(crate) fn loses_stream_ack(&self) -> bool {
        self.strike(Occasion::StreamAck).is_some()
    }

    /// The reason for which a valid fragment of a stream is not accepted.
    pub(crate) fn stream_nack(&self) -> Option<StreamNack> {
        match self.strike(Occasion::Fragment)?.kind {
            Kind::NackStream(name) => Some(name),
            _ => None,
        }
    }

    /// The time by which the response to an invocation is delayed.
    pub(crate) fn invoke_response_delay(&self) -> Option<Duration> {
        match self.strike(Occasion::InvokeResponse)?.kind {
            Kind::DelayInvokeResponse(by) => Some(by),
            _ => None,
        }
    }

    /// How many bytes may still be transferred in that direction before a fault occurs, if one counts them.
    pub(crate) fn bytes_left(&self, way: Way) -> Option<usize> {
        let script = self.faults.script();
        let fault = &script.sockets.queue[script.sockets.place(self, way.occasion())?];
        Some(usize::try_from(fault.at - fault.seen).unwrap_or(usize::MAX))
    }

    /// Whether a fault occurs after these bytes.
    pub(crate) fn cuts_after(&self, way: Way, bytes: usize) -> bool {
        self.faults.script().sockets.strike(self, way.occasion(), bytes as u64).is_some()
    }

    fn strike(&self, occasion: Occasion) -> Option<SocketFault> {
        self.faults.script().sockets.strike(self, occasion, 1)
    }
}

fn loss(kind: Kind) -> Option<Loss> {
    match kind {
        Kind::Drop => Some(Loss::Dropped),
        Kind::HalfOpen => Some(Loss::HalfOpen),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(socket: &SocketFaults, frames: usize) -> Vec<bool> {
        (0..frames).map(|_| socket.received().is_some()).collect()
    }

    #[test]
    fn frames_are_counted_and_the_fault_is_used_up() {
        let faults = Faults::default();
        let socket = SocketFaults::open(&faults, "chat", "c");
        faults.push_socket(SocketFault::drop_connection().at_received(2).times(2));
        assert_eq!(faults.pending(), 2);
        assert_eq!(struck(&socket, 5), [false, true, false, true, false]);
        assert_eq!((faults.pending(), socket.sent()), (0, None));
    }

    #[test]
    fn bytes_are_counted_per_direction_and_only_by_a_fault_that_drops() {
        let faults = Faults::default();
        let socket = SocketFaults::open(&faults, "chat", "c");
        faults.push_socket(SocketFault::drop_connection().after_sent_bytes(10));
        faults.push_socket(SocketFault::lose_ack().at_received_bytes(1));
        assert_eq!((socket.bytes_left(Way::In), socket.bytes_left(Way::Out)), (None, Some(10)));
        assert!(!socket.cuts_after(Way::Out, 4) && !socket.cuts_after(Way::In, 99));
        assert_eq!((socket.bytes_left(Way::Out), socket.sent()), (Some(6), None));
        assert!(socket.cuts_after(Way::Out, 6));
        assert_eq!((socket.bytes_left(Way::Out), socket.ack()), (None, Some(AckFault::Lost)));
    }

    #[test]
    fn hub_and_connection_choose_the_socket() {
        let faults = Faults::default();
        let other = SocketFaults::open(&faults, "chat", "other");
        let elsewhere = SocketFaults::open(&faults, "news", "c");
        let socket = SocketFaults::open(&faults, "chat", "c");
        faults.push_socket(SocketFault::half_open().after_sent(1).hub("CHAT").connection("c"));
        assert_eq!((other.sent(), elsewhere.sent(), socket.sent()), (None, None, Some(Loss::HalfOpen)));
    }

    #[test]
    fn the_nth_socket_is_counted_from_the_push_among_the_matching_ones() {
        let faults = Faults::default();
        let before = SocketFaults::open(&faults, "chat", "a");
        faults.push_socket(SocketFault::lose_ack().hub("chat").nth(2));
        let open = |hub, connection| SocketFaults::open(&faults, hub, connection);
        let (first, elsewhere, second, third) =
            (open("chat", "b"), open("news", "c"), open("chat", "b"), open("chat", "d"));
        let others = [before, first, elsewhere, third].map(|socket| socket.ack());
        assert_eq!((others, second.ack()), ([None; 4], Some(AckFault::Lost)));
    }

    #[test]
    fn faults_occur_in_the_order_of_their_pushes_and_clearing_ends_them() {
        let faults = Faults::default();
        let socket = SocketFaults::open(&faults, "chat", "c");
        let seconds = Duration::from_secs;
        faults.push_socket(SocketFault::delay_ack(seconds(1)));
        faults.push_socket(SocketFault::delay_ack(seconds(2)));
        faults.push_socket(SocketFault::lose_ack());
        let met = [socket.ack(), socket.ack()];
        assert_eq!(met, [1, 2].map(|time| Some(AckFault::Delayed(seconds(time)))));
        faults.clear();
        assert_eq!(socket.ack(), None);
    }
}
