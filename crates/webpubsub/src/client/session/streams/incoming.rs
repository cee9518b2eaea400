//! The streams that the program receives, by group and by subscription (previews, section 3.4).

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::client::data::Data;
use crate::client::event::{GroupMessage, StreamPart};
use crate::client::streams::{Accepting, NewStream, PartBuffer, ReadError};

/// The number of parts that are held until the join of a subscription is acknowledged.
const MAX_HELD: usize = 1000;

/// The subscriptions to streams, by group. Those whose receiver has been dropped are removed on the next occasion.
#[derive(Debug, Default)]
pub(in crate::client::session) struct Incoming {
    groups: HashMap<String, Vec<Entry>>,
    /// When a stream may have been idle for too long, or earlier.
    check_at: Option<Duration>,
}

#[derive(Debug)]
struct Entry {
    accepting: Weak<Accepting>,
    /// Whether the join of the subscription was acknowledged.
    joined: bool,
    /// The parts that arrived before. If the ack was lost with the connection, the service sends the parts after the join again
    /// before it acknowledges the join again.
    held: Vec<HeldPart>,
    /// The largest sequence id received. It is beyond that of the connection if the client's own events do not keep up.
    seen: Option<u64>,
    open: HashMap<String, Open>,
}

/// A part that arrived before the join was acknowledged. If the join fails, it is a message.
#[derive(Debug)]
struct HeldPart {
    message: GroupMessage,
    arrived_at: Duration,
    /// Whether another subscription received it too.
    is_shared: bool,
}

/// A stream whose end has not arrived.
#[derive(Debug)]
struct Open {
    /// `None` if the remaining parts are discarded.
    buffer: Option<Weak<PartBuffer>>,
    /// The number of the next part.
    next: u64,
    heard_at: Duration,
    /// Whether its end may have been missed, since no part has arrived on the current connection.
    may_be_over: bool,
}

impl Incoming {
    /// Adds a subscription whose join is not acknowledged yet.
    pub(in crate::client::session) fn add(&mut self, group: &str, accepting: &Arc<Accepting>) {
        self.groups.retain(|_, entries| {
            entries.retain(Entry::is_alive);
            !entries.is_empty()
        });
        let accepting = Arc::downgrade(accepting);
        let entry = Entry { accepting, joined: false, held: Vec::new(), seen: None, open: HashMap::new() };
        self.groups.entry(group.to_owned()).or_default().push(entry);
    }

    /// Records that the join of a subscription was acknowledged, and delivers the parts that arrived before.
    pub(in crate::client::session) fn joined(&mut self, group: &str, accepting: &Arc<Accepting>) {
        let entries = self.groups.get_mut(group).into_iter().flatten();
        for entry in entries.filter(|entry| entry.is(accepting)) {
            entry.joined = true;
            for HeldPart { message, arrived_at, .. } in std::mem::take(&mut entry.held) {
                let Some(part) = &message.stream else { continue };
                entry.receive(accepting, part, &message, arrived_at);
                self.check_at = earlier(self.check_at, accepting, arrived_at);
            }
        }
    }

    /// Removes a subscription whose join failed. Returns the parts that no other subscription received.
    pub(in crate::client::session) fn remove(
        &mut self,
        group: &str,
        accepting: &Arc<Accepting>,
    ) -> Vec<GroupMessage> {
        let mut held = Vec::new();
        self.retain(group, |entry| {
            let stays = !entry.is(accepting);
            if !stays {
                held.append(&mut entry.held);
            }
            stays
        });
        held.into_iter().filter(|part| !part.is_shared).map(|part| part.message).collect()
    }

    /// Returns whether a subscription receives this message, which is a part of a stream then.
    pub(in crate::client::session) fn wants(&mut self, message: &GroupMessage) -> bool {
        // Most messages are not part of a stream.
        let Some(part) = &message.stream else { return false };
        if !self.groups.contains_key(&message.group) {
            return false;
        }
        self.retain(&message.group, |entry| entry.is_alive());
        self.groups.get(&message.group).is_some_and(|entries| entries.iter().any(|entry| entry.wants(part)))
    }

    /// Delivers a part to each subscription that has not received it yet. Returns whether there was one.
    pub(in crate::client::session) fn deliver(
        &mut self,
        message: &GroupMessage,
        sequence_id: Option<u64>,
        now: Duration,
    ) -> bool {
        let Some(part) = &message.stream else { return false };
        let mut delivered = false;
        let Some(entries) = self.groups.get_mut(&message.group) else { return false };
        let mut is_shared = entries.iter().any(|entry| entry.joined && entry.wants(part));
        for entry in entries {
            if !entry.wants(part) || (sequence_id.is_some() && sequence_id <= entry.seen) {
                continue;
            }
            entry.seen = sequence_id.or(entry.seen);
            delivered = true;
            if !entry.joined {
                entry.held.push(HeldPart { message: message.clone(), arrived_at: now, is_shared });
                is_shared = true;
                continue;
            }
            let Some(accepting) = entry.accepting.upgrade() else { continue };
            entry.receive(&accepting, part, message, now);
            self.check_at = earlier(self.check_at, &accepting, now);
        }
        delivered
    }

    /// Ends the subscriptions of a group that the client is no longer in. A subscription whose join is in flight goes on.
    pub(in crate::client::session) fn end(&mut self, group: &str) {
        self.retain(group, Entry::end);
    }

    /// Handles the end of a connection, after which the client rejoins the groups that `rejoins` selects. Readers find out by
    /// the numbers of the next parts whether some are missing.
    pub(in crate::client::session) fn disconnected(&mut self, rejoins: impl Fn(&str) -> bool) {
        self.groups.retain(|group, entries| {
            let rejoins = rejoins(group);
            entries.retain_mut(|entry| {
                entry.seen = None;
                // Without the end, a stream that the program does not read would stay indefinitely.
                entry.open.retain(|_, open| open.is_read() || !open.may_be_over);
                entry.open.values_mut().for_each(|open| open.may_be_over = true);
                rejoins || entry.end()
            });
            !entries.is_empty()
        });
    }

    /// Restarts the idle times on a recovered connection, on which missing parts arrive.
    pub(in crate::client::session) fn recovered(&mut self, now: Duration) {
        let entries = self.groups.values_mut().flatten();
        entries.flat_map(|entry| entry.open.values_mut()).for_each(|open| open.heard_at = now);
    }

    /// Ends the streams that have been idle for too long.
    pub(in crate::client::session) fn tick(&mut self, now: Duration) {
        if self.check_at.is_none_or(|at| now < at) {
            return;
        }
        let entries = self.groups.values_mut().flatten();
        self.check_at = entries.filter_map(|entry| entry.expire(now)).min();
    }

    pub(in crate::client::session) fn deadline(&self) -> Option<Duration> {
        self.check_at
    }

    fn retain(&mut self, group: &str, keep: impl FnMut(&mut Entry) -> bool) {
        if let Some(entries) = self.groups.get_mut(group) {
            entries.retain_mut(keep);
            if entries.is_empty() {
                self.groups.remove(group);
            }
        }
    }
}

/// Ends all readers, however the client ends. Otherwise the program would wait indefinitely.
impl Drop for Incoming {
    fn drop(&mut self) {
        self.groups.values_mut().flatten().for_each(|entry| {
            entry.joined = true;
            entry.end();
        });
    }
}

impl Entry {
    /// Returns whether the program holds the subscription or one of its readers, or waits for the subscription.
    fn is_alive(&self) -> bool {
        self.accepting.strong_count() > usize::from(!self.joined)
    }

    fn is(&self, accepting: &Arc<Accepting>) -> bool {
        std::ptr::eq(self.accepting.as_ptr(), Arc::as_ptr(accepting))
    }

    fn wants(&self, part: &StreamPart) -> bool {
        let accepts = || self.accepting.upgrade().is_some_and(|accepting| accepting.is_accepting());
        let has_room = self.joined || self.held.len() < MAX_HELD;
        has_room && (self.open.contains_key(&part.stream_id) || accepts())
    }

    fn receive(&mut self, accepting: &Accepting, part: &StreamPart, message: &GroupMessage, now: Duration) {
        let is_another = |open: &Open| open.may_be_over && part.sequence_id == 1 && open.next != 1;
        if self.open.get(&part.stream_id).is_some_and(is_another)
            && let Some(old) = self.open.remove(&part.stream_id)
        {
            old.end(Some(ReadError::Duplicate { expected: old.next, received: 1 }));
        }
        if !self.open.contains_key(&part.stream_id) && !self.start(accepting, part, message, now) {
            return;
        }
        let Some(open) = self.open.get_mut(&part.stream_id) else { return };
        (open.heard_at, open.may_be_over) = (now, false);
        open.receive(part, &message.data);
        if part.end_of_stream {
            self.open.remove(&part.stream_id);
        }
    }

    /// Starts a stream. Returns `false` for a late end, which has nothing to read.
    fn start(
        &mut self,
        accepting: &Accepting,
        part: &StreamPart,
        message: &GroupMessage,
        now: Duration,
    ) -> bool {
        let is_late = part.sequence_id > 1;
        if part.end_of_stream && is_late && message.data.is_empty() {
            return false;
        }
        let mut open = Open { buffer: None, next: part.sequence_id, heard_at: now, may_be_over: false };
        if !(is_late && accepting.only_from_start) {
            let buffer = Arc::new(PartBuffer::new(accepting.capacity));
            let new = NewStream {
                id: part.stream_id.clone(),
                from_user_id: message.from_user_id.clone(),
                missed_parts: part.sequence_id.saturating_sub(1),
                buffer: Arc::clone(&buffer),
            };
            if accepting.accept(new) {
                open.buffer = Some(Arc::downgrade(&buffer));
            }
        }
        self.open.insert(part.stream_id.clone(), open);
        true
    }

    /// Ends the subscription and its readers. Returns `true` if it goes on, since its join is in flight.
    fn end(&mut self) -> bool {
        if !self.joined {
            return self.is_alive();
        }
        if let Some(accepting) = self.accepting.upgrade() {
            accepting.end();
        }
        self.open.drain().for_each(|(_, open)| open.end(Some(ReadError::Left)));
        false
    }

    /// Ends the streams that have been idle for too long. Returns when the next one may be.
    fn expire(&mut self, now: Duration) -> Option<Duration> {
        let limit = self.accepting.upgrade()?.idle_timeout?;
        self.open.retain(|_, open| {
            let is_active = now < open.heard_at.saturating_add(limit);
            if !is_active {
                open.end(Some(ReadError::Idle { after: limit }));
            }
            is_active
        });
        self.open.values().map(|open| open.heard_at.saturating_add(limit)).min()
    }
}

impl Open {
    /// Returns whether the program has the reader, or can still take it.
    fn is_read(&self) -> bool {
        self.buffer.as_ref().is_some_and(|buffer| buffer.strong_count() > 0)
    }

    fn receive(&mut self, part: &StreamPart, data: &Data) {
        let (expected, received) = (self.next, part.sequence_id);
        if received != expected {
            self.end(Some(match received > expected {
                true => ReadError::Gap { expected, received },
                false => ReadError::Duplicate { expected, received },
            }));
            self.buffer = None;
            return;
        }
        self.next = self.next.saturating_add(1);
        // The end usually has no content of its own.
        let has_content = !(part.end_of_stream && data.is_empty());
        let Some(buffer) = self.buffer.as_ref().and_then(Weak::upgrade) else { return };
        if has_content && !buffer.part(data.clone()) {
            tracing::warn!(
                stream = part.stream_id,
                "the program does not read a stream, so its further parts are discarded"
            );
            self.buffer = None;
        }
        if part.end_of_stream {
            buffer.end(part.error.clone().map(ReadError::Failed));
        }
    }

    fn end(&self, error: Option<ReadError>) {
        if let Some(buffer) = self.buffer.as_ref().and_then(Weak::upgrade) {
            buffer.end(error);
        }
    }
}

/// Returns when a stream may have been idle for too long: at `check_at`, or after a part that arrives now.
fn earlier(check_at: Option<Duration>, accepting: &Accepting, now: Duration) -> Option<Duration> {
    let at = accepting.idle_timeout.map(|limit| now.saturating_add(limit));
    check_at.into_iter().chain(at).min()
}
