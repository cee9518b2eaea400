//! The subscriptions to groups. The messages of a subscribed group go to its subscriptions instead of the client's own events.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::client::event::{Disconnected, GroupEvent, GroupMessage};
use crate::client::subscription::Buffer;

/// The subscriptions by group. Those whose receiver has been dropped are removed on the next occasion.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(HashMap<String, Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    buffer: Weak<Buffer>,
    /// Whether the join of the subscription was acknowledged.
    joined: bool,
    /// The largest sequence id received. It is beyond that of the connection if the client's own events do not keep up.
    seen: Option<u64>,
}

impl Subscriptions {
    /// Adds a subscription whose join is not acknowledged yet.
    pub(super) fn add(&mut self, group: &str, buffer: &Arc<Buffer>) {
        self.0.retain(|_, entries| {
            entries.retain(Entry::is_alive);
            !entries.is_empty()
        });
        let entry = Entry { buffer: Arc::downgrade(buffer), joined: false, seen: None };
        self.0.entry(group.to_owned()).or_default().push(entry);
    }

    /// Records that the join of a subscription was acknowledged.
    pub(super) fn joined(&mut self, group: &str, buffer: &Arc<Buffer>) {
        let entries = self.0.get_mut(group).into_iter().flatten();
        for entry in entries.filter(|entry| entry.is(buffer)) {
            entry.joined = true;
        }
    }

    /// Removes a subscription whose join failed.
    pub(super) fn remove(&mut self, group: &str, buffer: &Arc<Buffer>) {
        self.retain(group, |entry| !entry.is(buffer));
    }

    /// Returns whether a group has a subscription.
    pub(super) fn contains(&mut self, group: &str) -> bool {
        // Most clients have none, and this is called for each message.
        if self.0.is_empty() || !self.0.contains_key(group) {
            return false;
        }
        self.retain(group, Entry::is_alive);
        self.0.contains_key(group)
    }

    /// Delivers a message to each subscription that has not received it yet. Returns whether there was one.
    pub(super) fn deliver(&mut self, message: GroupMessage, sequence_id: Option<u64>) -> bool {
        let entries = self.0.get_mut(&message.group).into_iter().flatten();
        let mut new = entries.filter(|entry| sequence_id.is_none() || sequence_id > entry.seen).peekable();
        let mut delivered = false;
        while let Some(entry) = new.next() {
            entry.seen = sequence_id;
            delivered = true;
            let Some(buffer) = entry.buffer.upgrade() else { continue };
            if new.peek().is_none() {
                buffer.message(message);
                break;
            }
            buffer.message(message.clone());
        }
        delivered
    }

    /// Notifies the subscriptions of a group that the client has rejoined it.
    pub(super) fn rejoined(&self, group: &str, event: &GroupEvent) {
        for entry in self.0.get(group).into_iter().flatten() {
            entry.notify(event);
        }
    }

    /// Ends the subscriptions of a group that the client is no longer in. A subscription whose join is in flight goes on.
    pub(super) fn end(&mut self, group: &str, last: Option<&GroupEvent>) {
        self.retain(group, |entry| {
            if let Some(event) = last {
                entry.notify(event);
            }
            entry.end()
        });
    }

    /// Handles the end of a connection, after which the client rejoins the groups that `rejoins` selects.
    pub(super) fn disconnected(&mut self, gone: &Disconnected, rejoins: impl Fn(&str) -> bool) {
        let event = GroupEvent::Disconnected(gone.clone());
        self.0.retain(|group, entries| {
            let rejoins = rejoins(group);
            entries.retain_mut(|entry| {
                entry.notify(&event);
                entry.seen = None;
                rejoins || entry.end()
            });
            !entries.is_empty()
        });
    }

    fn retain(&mut self, group: &str, keep: impl FnMut(&Entry) -> bool) {
        if let Some(entries) = self.0.get_mut(group) {
            entries.retain(keep);
            if entries.is_empty() {
                self.0.remove(group);
            }
        }
    }
}

/// Ends all subscriptions, however the client ends. Otherwise receivers would wait indefinitely.
impl Drop for Subscriptions {
    fn drop(&mut self) {
        self.0.values().flatten().filter_map(|entry| entry.buffer.upgrade()).for_each(|buffer| buffer.end());
    }
}

impl Entry {
    /// Returns whether the program still waits for the subscription or holds it. Until the join is acknowledged, the request
    /// holds the buffer too.
    fn is_alive(&self) -> bool {
        self.buffer.strong_count() > usize::from(!self.joined)
    }

    fn is(&self, buffer: &Arc<Buffer>) -> bool {
        std::ptr::eq(self.buffer.as_ptr(), Arc::as_ptr(buffer))
    }

    fn notify(&self, event: &GroupEvent) {
        if let Some(buffer) = self.buffer.upgrade().filter(|_| self.joined) {
            buffer.change(event.clone());
        }
    }

    /// Ends the subscription. Returns `true` if it goes on, since its join is in flight.
    fn end(&self) -> bool {
        if let Some(buffer) = self.buffer.upgrade().filter(|_| self.joined) {
            buffer.end();
        }
        !self.joined && self.is_alive()
    }
}
