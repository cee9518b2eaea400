//! The states that connections publish in their groups, and the subscriptions to them (previews, section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::frame::{Failure, ServerFrame, StateKind};
use super::hub::Hubs;
use super::member::Member;
use super::news::News;
use super::roles::Permission;

/// The bytes of all keys and values of a state.
const MAX_STATE_BYTES: usize = 512;
/// More states than this are not in a snapshot.
const MAX_SNAPSHOT_ITEMS: usize = 200;

/// The content of a state.
pub(super) type Entries = BTreeMap<String, String>;

/// A state as it is sent to subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StateItem {
    pub(super) connection: String,
    pub(super) user: Option<String>,
    /// `None` if the state was cleared.
    pub(super) entries: Option<Entries>,
    /// In milliseconds since the epoch.
    pub(super) updated_at: u64,
}

/// Describes the state of a connection in a group, as returned by [`group_states`](super::WebPubSub::group_states).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupStateInfo {
    /// Contains the id of the connection that set the state.
    pub connection_id: String,
    /// Contains the user id of the connection. `None` if the client is anonymous.
    pub user_id: Option<String>,
    /// Contains the entries of the state. An empty map is a state too.
    pub state: BTreeMap<String, String>,
    /// Contains the time of the last change, in whole milliseconds.
    pub updated_at: SystemTime,
}

/// The states of one connection, and the groups whose states it receives.
#[derive(Debug, Default)]
pub(super) struct GroupStates {
    own: BTreeMap<String, Own>,
    subscribed: BTreeSet<String>,
    last_update: u64,
}

#[derive(Debug)]
struct Own {
    entries: Entries,
    updated_at: u64,
}

impl GroupStates {
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Whether the connection has subscribed to the states of the group.
    pub(super) fn is_subscribed(&self, group: &str) -> bool {
        self.subscribed.contains(group)
    }

    /// Sets or clears a state. Returns the time of the change, which is later than that of every earlier one.
    fn set(&mut self, group: &str, entries: Option<Entries>, now: SystemTime) -> u64 {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let updated_at = u64::try_from(now).unwrap_or(u64::MAX).max(self.last_update.saturating_add(1));
        self.last_update = updated_at;
        match entries {
            Some(entries) => drop(self.own.insert(group.to_owned(), Own { entries, updated_at })),
            None => drop(self.own.remove(group)),
        }
        updated_at
    }
}

impl Member {
    /// Sets or clears the state of this connection, whose id is given.
    fn set_state(&mut self, id: &str, group: &str, entries: Option<Entries>, now: SystemTime) -> News {
        let updated_at = self.states.set(group, entries.clone(), now);
        let item = StateItem { connection: id.to_owned(), user: self.user.clone(), entries, updated_at };
        News::State { group: group.to_owned(), item }
    }

    /// Clears the state in a group that the connection has left, and drops its subscription.
    pub(super) fn end_state(&mut self, id: &str, group: &str, now: SystemTime) -> Option<News> {
        self.states.subscribed.remove(group);
        let has_state = self.states.own.contains_key(group);
        has_state.then(|| self.set_state(id, group, None, now))
    }

    /// Clears all states.
    pub(super) fn end_states(&mut self, id: &str, now: SystemTime) -> Vec<News> {
        let groups: Vec<_> = self.states.own.keys().cloned().collect();
        groups.iter().filter_map(|group| self.end_state(id, group, now)).collect()
    }

    fn state(&self, id: &str, group: &str) -> Option<StateItem> {
        let own = self.states.own.get(group).filter(|_| self.is_in(group))?;
        let (connection, user) = (id.to_owned(), self.user.clone());
        Some(StateItem { connection, user, entries: Some(own.entries.clone()), updated_at: own.updated_at })
    }

    fn check_state(&self, permission: Permission, group: &str) -> Result<(), Failure> {
        if self.roles.allow(permission, group) {
            return Ok(());
        }
        Err(Failure::new("Forbidden", "Permission denied."))
    }

    fn check_membership(&self, group: &str) -> Result<(), Failure> {
        if self.is_in(group) {
            return Ok(());
        }
        Err(Failure::new("Forbidden", format!("Not a member of group {group}.")))
    }
}

impl Hubs {
    /// Sets or clears the state of a connection, and notifies the subscribers.
    pub(super) fn set_state(
        &self,
        hub: &str,
        connection: &str,
        group: &str,
        entries: Option<Entries>,
    ) -> Result<(), Failure> {
        self.change_state(|state| {
            let now = self.clock.now();
            let Some(member) = state.member(hub, connection) else { return Err(Failure::internal()) };
            member.check_state(Permission::SetGroupState, group)?;
            if entries.as_ref().is_some_and(|entries| bytes(entries) > MAX_STATE_BYTES) {
                let message = format!("The state is larger than {MAX_STATE_BYTES} bytes.");
                return Err(Failure::new("BadRequest", message));
            }
            member.check_membership(group)?;
            let news = member.set_state(connection, group, entries, now);
            state.publish(hub, vec![news]);
            Ok(())
        })
    }

    /// Checks whether a connection may subscribe to the states of a group.
    pub(super) fn check_subscription(&self, hub: &str, connection: &str, group: &str) -> Result<(), Failure> {
        let check = |member: &mut Member| {
            member.check_state(Permission::GetGroupState, group)?;
            member.check_membership(group)
        };
        self.with(hub, connection, check).unwrap_or_else(|| Err(Failure::internal()))
    }

    /// Subscribes a connection to the states of a group, and sends it all of them.
    pub(super) fn subscribe_to_states(&self, hub: &str, connection: &str, group: &str) {
        self.change_state(|state| {
            let items: Vec<_> = state
                .members(hub)
                .filter_map(|(id, member)| member.state(id, group))
                .take(MAX_SNAPSHOT_ITEMS)
                .collect();
            state.push(hub, |id, member| {
                if id != connection {
                    return true;
                }
                member.states.subscribed.insert(group.to_owned());
                let (kind, items) = (StateKind::Snapshot, items.as_slice());
                member.push(None, |id| ServerFrame::GroupState { kind, group, items, id })
            });
        });
    }

    /// Ends the subscription of a connection, if there is one.
    pub(super) fn unsubscribe_from_states(&self, hub: &str, connection: &str, group: &str) {
        self.with(hub, connection, |member| member.states.subscribed.remove(group));
    }

    /// The states of a group, sorted by connection id.
    pub(super) fn group_states(&self, hub: &str, group: &str) -> Vec<GroupStateInfo> {
        self.change_state(|state| {
            let items = state.members(hub).filter_map(|(id, member)| member.state(id, group));
            items.map(GroupStateInfo::from).collect()
        })
    }
}

impl From<StateItem> for GroupStateInfo {
    fn from(item: StateItem) -> Self {
        Self {
            connection_id: item.connection,
            user_id: item.user,
            state: item.entries.unwrap_or_default(),
            updated_at: UNIX_EPOCH + Duration::from_millis(item.updated_at),
        }
    }
}

fn bytes(entries: &Entries) -> usize {
    entries.iter().map(|(key, value)| key.len() + value.len()).sum()
}
