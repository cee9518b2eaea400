//! The states of groups (previews, section 4): the client's own ones, and the views of the program. The service forgets both
//! with a connection, so a new connection restores them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::op::{Done, Effect, Op};
use super::{Event, Session};
use crate::client::entries::Entries;
use crate::client::event::Disconnected;
use crate::client::frame::Upstream;
use crate::client::frame::preview::{self, GroupStateItem};
use crate::client::group_state::{Buffer, NotRestored, StateNotRestored};

/// A state of this connection. `None` clears it.
#[derive(Debug)]
pub(crate) struct OwnState {
    pub(crate) group: String,
    pub(crate) state: Option<Entries>,
}

/// Something that a new connection restores.
#[derive(Debug)]
pub(crate) enum Restored {
    /// The client's own state in this group.
    State(String),
    /// The views of this group.
    Views(String),
}

#[derive(Debug, Default)]
pub(super) struct States {
    /// What the service acknowledged last.
    own: BTreeMap<String, Entries>,
    /// The views by group. Those that the program has dropped are removed on the next occasion.
    views: BTreeMap<String, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    buffer: Weak<Buffer>,
    /// Whether the request of the view was acknowledged.
    follows: bool,
}

impl States {
    /// Returns the groups with a state or a view. A group with both appears twice.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.own.keys().chain(self.views.keys()).map(String::as_str)
    }

    /// Adds a view whose request is not acknowledged yet.
    pub(super) fn add(&mut self, group: &str, buffer: &Arc<Buffer>) {
        let entry = Entry { buffer: Arc::downgrade(buffer), follows: false };
        self.views.entry(group.to_owned()).or_default().push(entry);
    }

    /// Applies the outcome of a request.
    pub(super) fn settled(&mut self, effect: &Effect, is_done: bool) {
        match effect {
            Effect::SetState(own) if is_done => match &own.state {
                Some(state) => drop(self.own.insert(own.group.clone(), state.clone())),
                None => drop(self.own.remove(&own.group)),
            },
            Effect::FollowStates(group, buffer) if is_done => {
                let entries = self.views.get_mut(group).into_iter().flatten();
                entries.filter(|entry| entry.is(buffer)).for_each(|entry| entry.follows = true);
            }
            Effect::FollowStates(group, buffer) => self.retain(group, |entry| !entry.is(buffer)),
            Effect::Leave(group) if is_done => self.left(group),
            _ => {}
        }
    }

    /// Forgets the state in a group that the client has left, as the service does.
    fn left(&mut self, group: &str) {
        self.own.remove(group);
        self.end(group, None);
    }

    /// Ends the views of a group. One whose request is in flight goes on.
    fn end(&mut self, group: &str, last: Option<&NotRestored>) {
        self.retain(group, |entry| entry.goes_on_after(last));
    }

    /// Delivers what the service sent. Returns `false` if the program has dropped the views of the group.
    fn deliver(&mut self, group: &str, is_snapshot: bool, items: &[GroupStateItem], now: Duration) -> bool {
        if !self.views.contains_key(group) {
            return true;
        }
        self.retain(group, Entry::is_alive);
        let Some(entries) = self.views.get(group) else { return false };
        for buffer in entries.iter().filter_map(|entry| entry.buffer.upgrade()) {
            match is_snapshot {
                true => buffer.snapshot(items, now),
                false => buffer.update(items, now),
            }
        }
        true
    }

    /// Handles the end of a connection. `restores` selects the groups whose states the next one restores.
    pub(super) fn disconnected(&mut self, gone: &Disconnected, restores: impl Fn(&str) -> bool) {
        self.own.retain(|group, _| restores(group));
        self.views.retain(|group, entries| {
            let restores = restores(group);
            entries.retain(|entry| {
                if let Some(buffer) = entry.buffer.upgrade() {
                    match entry.follows {
                        true => buffer.disconnected(gone),
                        // It received what the service sent for other views of the group.
                        false => buffer.forget(),
                    }
                }
                entry.is_alive() && (restores || entry.goes_on_after(None))
            });
            !entries.is_empty()
        });
    }

    fn retain(&mut self, group: &str, keep: impl FnMut(&Entry) -> bool) {
        if let Some(entries) = self.views.get_mut(group) {
            entries.retain(keep);
            if entries.is_empty() {
                self.views.remove(group);
            }
        }
    }
}

/// Ends all views, however the client ends. Otherwise receivers would wait indefinitely.
impl Drop for States {
    fn drop(&mut self) {
        let buffers = self.views.values().flatten().filter_map(|entry| entry.buffer.upgrade());
        buffers.for_each(|buffer| buffer.end(None));
    }
}

impl Entry {
    /// Returns whether the program still waits for the view or holds it. Until the request is acknowledged, it holds the
    /// buffer too.
    fn is_alive(&self) -> bool {
        self.buffer.strong_count() > usize::from(!self.follows)
    }

    fn is(&self, buffer: &Arc<Buffer>) -> bool {
        std::ptr::eq(self.buffer.as_ptr(), Arc::as_ptr(buffer))
    }

    /// Ends a view. Returns `true` if it goes on, since its request is in flight.
    fn goes_on_after(&self, last: Option<&NotRestored>) -> bool {
        if !self.follows {
            return self.is_alive();
        }
        if let Some(buffer) = self.buffer.upgrade() {
            buffer.end(last.cloned());
        }
        false
    }
}

impl Session {
    /// Handles states that the service sent.
    pub(super) fn group_states(
        &mut self,
        group: &str,
        is_snapshot: bool,
        items: &[GroupStateItem],
        now: Duration,
    ) {
        if !self.states.deliver(group, is_snapshot, items, now) {
            // If this is lost with the socket, the updates that still arrive are ignored.
            let frame = preview::Upstream::UnsubscribeGroupState { group, ack_id: None };
            self.control.push_back(self.settings.protocol.encode(&Upstream::Preview(frame)));
        }
    }

    /// Returns the requests that restore the states on a new connection. The service processes them after the rejoins.
    pub(super) fn restore_states(&self, now: Duration) -> Vec<Op> {
        let own = self.states.own.iter().map(|(group, state)| {
            let ack_id = Some(self.next_id.fetch_add(1, Ordering::Relaxed));
            let frame = preview::Upstream::SetGroupState { group, ack_id, state: Some(state) };
            ("setGroupState", ack_id, frame, Restored::State(group.clone()))
        });
        let followed =
            self.states.views.iter().filter(|(_, entries)| entries.iter().any(|entry| entry.follows));
        let views = followed.map(|(group, _)| {
            let ack_id = Some(self.next_id.fetch_add(1, Ordering::Relaxed));
            let frame = preview::Upstream::SubscribeGroupState { group, ack_id };
            ("subscribeGroupState", ack_id, frame, Restored::Views(group.clone()))
        });
        let timeout = self.settings.ack_timeout;
        let op = |(name, ack_id, frame, restored)| Op {
            name,
            ack_id,
            frame: self.settings.protocol.encode(&Upstream::Preview(frame)),
            effect: Effect::None,
            timeout,
            deadline: now.saturating_add(timeout),
            written: false,
            in_flight: false,
            closes: 0,
            done: Done::Restored(restored),
        };
        own.chain(views).map(op).collect()
    }

    /// Handles that the service did not restore something.
    pub(super) fn not_restored(&mut self, restored: Restored, error: service_core::Error) {
        match restored {
            Restored::State(group) => {
                self.states.own.remove(&group);
                self.inbox.event(Event::StateNotRestored(StateNotRestored { group, error }));
            }
            Restored::Views(group) => {
                self.states.end(&group, Some(&NotRestored { reason: error.to_string() }));
            }
        }
    }
}
