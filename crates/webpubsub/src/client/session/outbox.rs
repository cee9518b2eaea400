//! The requests of the program, from being queued to being acknowledged. Each keeps one ack id (client protocols, section 6).
//! Requests are numbered in the order in which they were queued, and written in that order.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::groups::Groups;
use super::op::Op;
use crate::client::receipt::OWN_ACK_IDS;

/// The minimum length of the queue at which abandoned requests are removed from it. Their frames can have 1 MB each.
const PRUNE_AT: usize = 64;
/// The close code for a message that is too large for the receiver (RFC 6455, section 7.4.1).
const TOO_LARGE: u16 = 1009;
/// The close codes for what a message contains: data of a kind that cannot be accepted, inconsistent data, and too much of it.
const BLAMING: [u16; 3] = [1003, 1007, TOO_LARGE];
/// The number of closes after which a request is given up.
const MAX_CLOSES: u8 = 2;

#[derive(Debug)]
pub(super) struct Outbox {
    /// The maximum number of requests that are written and not acknowledged.
    max_pending: usize,
    /// Boxed, since the map moves its values.
    ops: BTreeMap<u64, Box<Op>>,
    next_number: u64,
    /// The rejoins of a new connection, which are written before all waiting requests. The numbers in this and the following
    /// queues may be those of requests that have ended.
    rejoins: VecDeque<u64>,
    /// Not written on the current connection.
    waiting: VecDeque<u64>,
    prune_at: usize,
    /// Written, but not acknowledged yet: the number for each ack id.
    written: HashMap<u64, u64>,
    /// Requests in `written` to retransmit after a recovery.
    retransmit: VecDeque<u64>,
    /// Written without an ack id, but perhaps not flushed yet.
    unflushed: BTreeSet<u64>,
    deadlines: BTreeSet<(Duration, u64)>,
    /// The numbers of the requests that have an ack id of the program's own.
    own_ids: HashMap<u64, u64>,
}

impl Outbox {
    pub(super) fn new(max_pending: usize) -> Self {
        Self {
            max_pending,
            ops: BTreeMap::new(),
            next_number: 0,
            rejoins: VecDeque::new(),
            waiting: VecDeque::new(),
            prune_at: PRUNE_AT,
            written: HashMap::new(),
            retransmit: VecDeque::new(),
            unflushed: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            own_ids: HashMap::new(),
        }
    }

    pub(super) fn submit(&mut self, op: Box<Op>) {
        let number = self.add(op);
        self.waiting.push_back(number);
        if self.waiting.len() >= self.prune_at {
            self.prune();
        }
    }

    /// Returns whether a request with this ack id of the program's own is in flight. One that was abandoned before it was
    /// written is not, and is removed.
    pub(super) fn is_in_flight(&mut self, id: u64) -> bool {
        let Some(number) = self.own_ids.get(&id).copied() else { return false };
        let is_cancelled = self.ops.get(&number).is_some_and(|op| op.is_abandoned() && !op.written);
        if is_cancelled {
            self.remove(number);
        }
        !is_cancelled
    }

    /// Queues the rejoins of a new connection.
    pub(super) fn rejoin(&mut self, ops: Vec<Op>) {
        self.rejoins = ops.into_iter().map(|op| self.add(Box::new(op))).collect();
    }

    fn add(&mut self, op: Box<Op>) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.deadlines.insert((op.deadline, number));
        if let Some(id) = op.ack_id.filter(|id| OWN_ACK_IDS.contains(id)) {
            self.own_ids.insert(id, number);
        }
        self.ops.insert(number, op);
        number
    }

    fn remove(&mut self, number: u64) -> Option<Op> {
        let op = *self.ops.remove(&number)?;
        self.deadlines.remove(&(op.deadline, number));
        if let Some(id) = op.ack_id.filter(|id| OWN_ACK_IDS.contains(id)) {
            self.own_ids.remove(&id);
        }
        match op.ack_id {
            Some(id) if op.written => drop(self.written.remove(&id)),
            Some(_) => {}
            None => drop(self.unflushed.remove(&number)),
        }
        Some(op)
    }

    /// Removes abandoned requests from the queue, so that it does not grow during a long reconnect.
    fn prune(&mut self) {
        for number in std::mem::take(&mut self.waiting) {
            if self.ops.get(&number).is_some_and(|op| op.is_abandoned()) {
                self.remove(number);
            } else if self.ops.contains_key(&number) {
                self.waiting.push_back(number);
            }
        }
        self.prune_at = PRUNE_AT.max(self.waiting.len().saturating_mul(2));
    }

    pub(super) fn next_frame(&mut self, groups: &mut Groups) -> Option<Message> {
        while let Some(number) = self.retransmit.pop_front() {
            if let Some(op) = self.ops.get_mut(&number) {
                op.in_flight = true;
                return Some(op.frame.clone());
            }
        }
        while let Some(number) = self.next_unwritten() {
            let Some(op) = self.ops.get_mut(&number) else { continue };
            if op.is_abandoned() {
                self.remove(number);
                continue;
            }
            groups.written(op);
            (op.written, op.in_flight) = (true, true);
            match op.ack_id {
                Some(id) => drop(self.written.insert(id, number)),
                None => drop(self.unflushed.insert(number)),
            }
            return Some(op.frame.clone());
        }
        None
    }

    fn next_unwritten(&mut self) -> Option<u64> {
        if let Some(number) = self.rejoins.pop_front() {
            return Some(number);
        }
        if self.pending() >= self.max_pending {
            return None;
        }
        self.waiting.pop_front()
    }

    /// Returns how many requests were written and have no outcome yet.
    pub(super) fn pending(&self) -> usize {
        self.written.len() + self.unflushed.len()
    }

    /// Takes the written requests without an ack id. After a flush they have been sent; if the connection ends before that,
    /// their outcome is unknown.
    pub(super) fn take_unflushed(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.unflushed).into_iter().filter_map(|number| self.remove(number)).collect()
    }

    /// Takes the request with this ack id. An invocation has an id of the same kind, but no acknowledgment.
    pub(super) fn acked(&mut self, id: u64) -> Option<Op> {
        self.take_written(id, |op| !op.is_invocation())
    }

    /// Takes the written invocation with this id.
    #[cfg(feature = "preview")]
    pub(super) fn responded(&mut self, id: u64) -> Option<Op> {
        self.take_written(id, Op::is_invocation)
    }

    fn take_written(&mut self, id: u64, is_wanted: impl FnOnce(&Op) -> bool) -> Option<Op> {
        let number = *self.written.get(&id)?;
        self.ops.get(&number).filter(|op| is_wanted(op))?;
        self.remove(number)
    }

    /// Takes all written invocations.
    #[cfg(feature = "preview")]
    pub(super) fn take_invocations(&mut self) -> Vec<Op> {
        let written = |op: &Op| op.is_invocation() && op.written;
        let numbers: Vec<_> =
            self.ops.iter().filter(|(_, op)| written(op)).map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.remove(number)).collect()
    }

    /// Retransmits all unacknowledged requests after a recovery, in the order in which they were written. The service knows
    /// which ids it has processed. The order is that of the numbers, except that rejoins come first.
    pub(super) fn recovered(&mut self) {
        let rejoins_first = |number: &u64| (!self.ops.get(number).is_some_and(|op| op.is_rejoin()), *number);
        let mut unacked: Vec<_> = self.written.values().map(rejoins_first).collect();
        unacked.sort_unstable();
        self.retransmit = unacked.into_iter().map(|(_, number)| number).collect();
    }

    /// Handles the loss of a connection, with which the service forgets its ack ids. Returns the written requests that must not
    /// be retried. With `resend`, the callers' requests wait for the next connection under the same ids.
    pub(super) fn lost(&mut self, resend: bool) -> Vec<Op> {
        self.retransmit.clear();
        self.rejoins.clear();
        let ends = |op: &Op| op.is_rejoin() || (op.written && !resend);
        let ended: Vec<_> = self.ops.iter().filter(|(_, op)| ends(op)).map(|(number, _)| *number).collect();
        let ended = ended.into_iter().filter_map(|number| self.remove(number)).collect();
        self.written.clear();
        self.ops.values_mut().for_each(|op| op.written = false);
        self.waiting = self.ops.keys().copied().collect();
        ended
    }

    /// Removes the requests that timed out.
    pub(super) fn expired(&mut self, now: Duration) -> Vec<Op> {
        let mut expired = Vec::new();
        while let Some((_, number)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            expired.extend(self.remove(number));
        }
        expired
    }

    /// Returns when the next request times out.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Finds the request that made the service close the connection, and removes it if it is not to be resent.
    ///
    /// The service processes requests in their order, so the cause is probably the oldest one without an ack; if the service
    /// calls it too large, it is the largest. Some codes blame a frame; after the others, it has a second chance.
    pub(super) fn closed(&mut self, code: u16) -> Option<Op> {
        let in_flight = self.ops.iter_mut().filter(|(_, op)| op.in_flight && op.ack_id.is_some());
        let (number, op) = match code {
            TOO_LARGE => in_flight.max_by_key(|(_, op)| op.frame.len()),
            _ => { in_flight }.next(),
        }?;
        op.closes = op.closes.saturating_add(1);
        let ends = BLAMING.contains(&code) || op.closes >= MAX_CLOSES;
        let number = *number;
        if ends { self.remove(number) } else { None }
    }

    /// Records that nothing is in flight, since the WebSocket has ended.
    pub(super) fn interrupted(&mut self) {
        self.ops.values_mut().for_each(|op| op.in_flight = false);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.ops.len()
    }

    /// Removes all requests.
    pub(super) fn take_all(&mut self) -> Vec<Op> {
        std::mem::replace(self, Self::new(self.max_pending)).ops.into_values().map(|op| *op).collect()
    }
}
