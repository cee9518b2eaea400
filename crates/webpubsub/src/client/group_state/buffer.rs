//! The view of a group's states, between the connection that updates it and the program that follows it. It never overflows:
//! of several changes of a state, the program receives the last one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::view::View;
use super::{Cleared, GroupStateEvent, MemberState, NotRestored, Snapshot, time};
use crate::client::event::Disconnected;
use crate::client::frame::preview::GroupStateItem;

#[derive(Debug, Default)]
pub(in crate::client) struct Buffer(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    view: View,
    progress: Progress,
    /// The connections whose states changed since the program last received them, in that order.
    changed: VecDeque<String>,
    in_changed: BTreeSet<String>,
    /// The connections with a state that the program knows, and their users.
    reported: BTreeMap<String, Option<String>>,
    disconnected: Option<Disconnected>,
    not_restored: Option<NotRestored>,
    ended: bool,
    receiver: Option<Waker>,
}

/// How far the view is with its current connection.
#[derive(Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    WaitsForSnapshot,
    HasSnapshot,
    /// The program has received the snapshot.
    Follows,
}

impl Buffer {
    pub(in crate::client) fn snapshot(&self, items: &[GroupStateItem], now: Duration) {
        let mut state = self.lock();
        let changed = state.view.snapshot(items, now);
        if state.progress == Progress::WaitsForSnapshot {
            state.progress = Progress::HasSnapshot;
            state.wake();
        }
        state.note(changed);
    }

    pub(in crate::client) fn update(&self, items: &[GroupStateItem], now: Duration) {
        let mut state = self.lock();
        let changed = state.view.update(items, now);
        state.note(changed);
    }

    /// Forgets all states, since the connection ended. The next one has a snapshot of its own.
    pub(in crate::client) fn disconnected(&self, gone: &Disconnected) {
        self.forget();
        let mut state = self.lock();
        state.disconnected = Some(gone.clone());
        state.wake();
    }

    /// Forgets all states of a view that the program does not have yet.
    pub(in crate::client) fn forget(&self) {
        let mut state = self.lock();
        (state.view, state.progress) = (View::default(), Progress::WaitsForSnapshot);
        state.changed.clear();
        state.in_changed.clear();
        state.reported.clear();
    }

    /// Ends the view after the changes that the program has not received yet.
    pub(in crate::client) fn end(&self, last: Option<NotRestored>) {
        let mut state = self.lock();
        if !state.ended {
            (state.ended, state.not_restored) = (true, last);
            state.wake();
        }
    }

    pub(super) fn members(&self) -> Vec<MemberState> {
        self.lock().view.members().cloned().collect()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.lock().view.is_complete()
    }

    #[cfg(test)]
    pub(super) fn clears(&self) -> usize {
        self.lock().view.clears()
    }

    /// Returns the number of changes that the program has not received.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().changed.len()
    }

    /// Receives all events that are in the buffer, and `None` at its end.
    #[cfg(test)]
    pub(in crate::client) fn received(&self) -> Vec<Option<GroupStateEvent>> {
        let context = Context::from_waker(Waker::noop());
        let mut received = Vec::new();
        while let Poll::Ready(event) = self.poll_recv(&context) {
            let is_end = event.is_none();
            received.push(event);
            if is_end {
                break;
            }
        }
        received
    }

    pub(super) fn poll_recv(&self, context: &Context<'_>) -> Poll<Option<GroupStateEvent>> {
        let mut state = self.lock();
        if let Some(event) = state.next() {
            return Poll::Ready(Some(event));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        match &mut state.receiver {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Removes the waker, which would keep the task of the program in memory.
    pub(super) fn forget_receiver(&self) {
        self.lock().receiver = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes changes, each connection once. Until the program has the snapshot, they become part of it.
    fn note(&mut self, changed: Vec<String>) {
        if self.progress != Progress::Follows {
            return;
        }
        for id in changed {
            // The program never hears of a state that appeared and disappeared before it received it.
            if self.view.get(&id).is_none() && !self.reported.contains_key(&id) {
                if self.in_changed.remove(&id) {
                    self.changed.retain(|known| *known != id);
                }
                continue;
            }
            if self.in_changed.insert(id.clone()) {
                self.changed.push_back(id);
            }
        }
        if !self.changed.is_empty() {
            self.wake();
        }
    }

    fn next(&mut self) -> Option<GroupStateEvent> {
        if let Some(gone) = self.disconnected.take() {
            return Some(GroupStateEvent::Disconnected(gone));
        }
        if self.progress == Progress::HasSnapshot {
            self.progress = Progress::Follows;
            return Some(GroupStateEvent::Snapshot(self.take_snapshot()));
        }
        while let Some(id) = self.changed.pop_front() {
            self.in_changed.remove(&id);
            if let Some(event) = self.change(id) {
                return Some(event);
            }
        }
        self.not_restored.take().map(GroupStateEvent::NotRestored)
    }

    fn take_snapshot(&mut self) -> Snapshot {
        let members: Vec<_> = self.view.members().cloned().collect();
        let known = members.iter().map(|member| (member.connection_id.clone(), member.user_id.clone()));
        self.reported = known.collect();
        Snapshot { members, is_complete: self.view.is_complete() }
    }

    /// Returns what became of a state. `None` if it appeared and disappeared before the program received it.
    fn change(&mut self, connection_id: String) -> Option<GroupStateEvent> {
        if let Some(member) = self.view.get(&connection_id) {
            self.reported.insert(connection_id, member.user_id.clone());
            return Some(GroupStateEvent::Set(member.clone()));
        }
        let user_id = self.reported.remove(&connection_id)?;
        let cleared_at = self.view.cleared_at(&connection_id).map(time);
        Some(GroupStateEvent::Cleared(Cleared { connection_id, user_id, cleared_at }))
    }

    fn wake(&mut self) {
        if let Some(waker) = self.receiver.take() {
            waker.wake();
        }
    }
}
