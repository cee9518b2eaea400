//! What is known about the states of a group: the records of the service, merged by their times (previews, section 4.3). The
//! caller passes the current time to each method.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::MemberState;
use crate::client::frame::preview::GroupStateItem;

/// The number of states that a snapshot has at most. One with fewer is complete.
pub(in crate::client) const MAX_SNAPSHOT: usize = 200;
/// For this long, a record of an update survives a snapshot without it, and a clear is kept, so that a snapshot that was
/// taken before does not undo the update.
const KEPT: Duration = Duration::from_secs(300);
/// The number of clears that are kept.
const MAX_CLEARS: usize = 200;

#[derive(Debug, Default)]
pub(super) struct View {
    records: BTreeMap<String, Record>,
    clears: BTreeMap<String, Clear>,
    /// Whether the last snapshot contained all states.
    is_complete: bool,
}

#[derive(Debug)]
struct Record {
    member: MemberState,
    /// In milliseconds since the Unix epoch.
    updated_at: i64,
    /// When the record arrived, if an update contained it.
    update_at: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Clear {
    updated_at: i64,
    arrived_at: Duration,
}

impl View {
    /// Merges an update. Returns the connections whose visible states changed.
    pub(super) fn update(&mut self, items: &[GroupStateItem], now: Duration) -> Vec<String> {
        self.prune_clears(now);
        let changed = items.iter().filter(|item| self.merge(item, Some(now), now));
        changed.map(|item| item.connection_id.clone()).collect()
    }

    /// Merges a snapshot, which replaces all states if it is complete. Returns the connections whose visible states changed.
    pub(super) fn snapshot(&mut self, items: &[GroupStateItem], now: Duration) -> Vec<String> {
        self.prune_clears(now);
        let merged = items.iter().filter(|item| self.merge(item, None, now));
        let mut changed: Vec<_> = merged.map(|item| item.connection_id.clone()).collect();
        self.is_complete = items.len() < MAX_SNAPSHOT;
        if self.is_complete {
            let listed: HashSet<_> = items.iter().map(|item| item.connection_id.as_str()).collect();
            let stays = |id: &str, record: &Record| listed.contains(id) || record.is_newer_than_snapshot(now);
            let gone = self.records.iter().filter(|(id, record)| !stays(id, record));
            let gone: Vec<_> = gone.map(|(id, _)| id.clone()).collect();
            for id in &gone {
                self.records.remove(id);
            }
            changed.extend(gone);
        }
        changed
    }

    /// Merges one record. Returns whether it changed a visible state.
    fn merge(&mut self, item: &GroupStateItem, update_at: Option<Duration>, now: Duration) -> bool {
        let GroupStateItem { connection_id, updated_at, .. } = item;
        let record = self.records.get(connection_id).map(|record| record.updated_at);
        let clear = self.clears.get(connection_id).map(|clear| clear.updated_at);
        if record.max(clear).is_some_and(|known| *updated_at <= known) {
            return false;
        }
        match MemberState::read(item) {
            Some(member) => {
                self.clears.remove(connection_id);
                let record = Record { member, updated_at: *updated_at, update_at };
                self.records.insert(connection_id.clone(), record);
                true
            }
            None => {
                let clear = Clear { updated_at: *updated_at, arrived_at: now };
                self.clears.insert(connection_id.clone(), clear);
                self.limit_clears();
                self.records.remove(connection_id).is_some()
            }
        }
    }

    fn prune_clears(&mut self, now: Duration) {
        self.clears.retain(|_, clear| now.saturating_sub(clear.arrived_at) < KEPT);
    }

    /// Removes the oldest clear if there are too many.
    fn limit_clears(&mut self) {
        if self.clears.len() > MAX_CLEARS
            && let Some((id, _)) = self.clears.iter().min_by_key(|(_, clear)| clear.arrived_at)
        {
            let id = id.clone();
            self.clears.remove(&id);
        }
    }

    pub(super) fn get(&self, connection_id: &str) -> Option<&MemberState> {
        self.records.get(connection_id).map(|record| &record.member)
    }

    /// Returns when the service cleared a state, in milliseconds since the Unix epoch, if that is known.
    pub(super) fn cleared_at(&self, connection_id: &str) -> Option<i64> {
        self.clears.get(connection_id).map(|clear| clear.updated_at)
    }

    /// Returns the visible states, ordered by connection id.
    pub(super) fn members(&self) -> impl Iterator<Item = &MemberState> {
        self.records.values().map(|record| &record.member)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    #[cfg(test)]
    pub(super) fn clears(&self) -> usize {
        self.clears.len()
    }
}

impl Record {
    /// Returns whether a snapshot without this record may have been taken before the update that contained it.
    fn is_newer_than_snapshot(&self, now: Duration) -> bool {
        self.update_at.is_some_and(|at| now.saturating_sub(at) < KEPT)
    }
}
