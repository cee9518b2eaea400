//! The streams that the program receives, by group and by subscription (previews, section 3.4).

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::client::data::Data;
use crate::client::event::{GroupMessage, StreamPart};
use crate::client::streams::{Accepting, NewStream, PartBuffer, ReadError};

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
    /// Whether the join of the subscription was acknowledged. Before, the parts of streams are messages.
    joined: bool,
    /// The largest sequence id received. It is beyond that of the connection if the client's own events do not keep up.
    seen: Option<u64>,
    open: HashMap<String, Open>,
}

/// A stream whose end has not arrived.
#[derive(Debug)]
struct Open {
    /// `None` if the remaining parts are discarded.
    buffer: Option<Weak<PartBuffer>>,
    /// The number of the next part.
    next: u64,
    heard_at: Duration,
}

impl Incoming {
    /// Adds a subscription whose join is not acknowledged yet.
    pub(in crate::client::session) fn add(&mut self, group: &str, accepting: &Arc<Accepting>) {
        self.groups.retain(|_, entries| {
            entries.retain(Entry::is_alive);
            !entries.is_empty()
        });
        let entry =
            Entry { accepting: Arc::downgrade(accepting), joined: false, seen: None, open: HashMap::new() };
        self.groups.entry(group.to_owned()).or_default().push(entry);
    }

    /// Records that the join of a subscription was acknowledged.
    pub(in crate::client::session) fn joined(&mut self, group: &str, accepting: &Arc<Accepting>) {
        let entries = self.groups.get_mut(group).into_iter().flatten();
        for entry in entries.filter(|entry| entry.is(accepting)) {
            entry.joined = true;
        }
    }

    /// Removes a subscription whose join failed.
    pub(in crate::client::session) fn remove(&mut self, group: &str, accepting: &Arc<Accepting>) {
        self.retain(group, |entry| !entry.is(accepting));
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
        for entry in self.groups.get_mut(&message.group).into_iter().flatten() {
            if !entry.wants(part) || (sequence_id.is_some() && sequence_id <= entry.seen) {
                continue;
            }
            entry.seen = sequence_id.or(entry.seen);
            delivered = true;
            let Some(accepting) = entry.accepting.upgrade() else { continue };
            entry.receive(&accepting, part, message, now);
            if let Some(limit) = accepting.idle_timeout {
                let at = now.saturating_add(limit);
                self.check_at = Some(self.check_at.map_or(at, |earlier| earlier.min(at)));
            }
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
        self.joined && (self.open.contains_key(&part.stream_id) || accepts())
    }

    fn receive(&mut self, accepting: &Accepting, part: &StreamPart, message: &GroupMessage, now: Duration) {
        if !self.open.contains_key(&part.stream_id) && !self.start(accepting, part, message, now) {
            return;
        }
        let Some(open) = self.open.get_mut(&part.stream_id) else { return };
        open.heard_at = now;
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
        let mut open = Open { buffer: None, next: part.sequence_id, heard_at: now };
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
        self.next += 1;
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
