//! Which connections are in which group, so that a message to a group costs what its members cost, however many
//! connections its hub has.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::delivery::Delivery;
use super::hub::{Hubs, Joined, State, key};
use super::member::Member;

/// The members of all groups that have any. Guarded by its own lock, which is only taken within the one of the hubs.
#[derive(Debug, Default)]
pub(super) struct GroupIndex(Mutex<HashMap<String, Hub>>);

type Hub = HashMap<String, BTreeSet<String>>;

/// The entries of one connection.
#[derive(Debug)]
pub(super) struct Enrollment {
    index: Arc<GroupIndex>,
    hub: String,
    connection: String,
}

impl GroupIndex {
    /// The connections in a group, sorted. The name of the hub is in lower case.
    pub(super) fn members(&self, hub: &str, group: &str) -> Vec<String> {
        let hubs = self.lock();
        let members = hubs.get(hub).and_then(|groups| groups.get(group));
        members.into_iter().flatten().cloned().collect()
    }

    /// Whether a group has members. The name of the hub is in lower case.
    pub(super) fn exists(&self, hub: &str, group: &str) -> bool {
        self.lock().get(hub).is_some_and(|groups| groups.contains_key(group))
    }

    /// The number of groups in a hub.
    pub(super) fn count(&self, hub: &str) -> usize {
        self.lock().get(hub).map_or(0, HashMap::len)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Hub>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Enrollment {
    pub(super) fn new(index: &Arc<GroupIndex>, hub: String, connection: &str) -> Self {
        Self { index: Arc::clone(index), hub, connection: connection.to_owned() }
    }

    pub(super) fn add(&self, group: &str) {
        let mut hubs = self.index.lock();
        let groups = hubs.entry(self.hub.clone()).or_default();
        groups.entry(group.to_owned()).or_default().insert(self.connection.clone());
    }

    pub(super) fn remove(&self, group: &str) {
        let mut hubs = self.index.lock();
        let Some(groups) = hubs.get_mut(&self.hub) else { return };
        if let Some(members) = groups.get_mut(group) {
            members.remove(&self.connection);
            if members.is_empty() {
                groups.remove(group);
            }
        }
        if groups.is_empty() {
            hubs.remove(&self.hub);
        }
    }
}

impl State {
    /// Queues a message for every connection in a group that matches `picked`. Returns `false` if one was closed.
    pub(super) fn deliver_to_group(
        &mut self,
        hub: &str,
        group: &str,
        delivery: &Delivery,
        picked: impl Fn(&str, &Member) -> bool,
    ) -> bool {
        let expires = self.expiry(delivery);
        let mut delivered = 0;
        let all_keep_up = self.push_to_group(hub, group, |id, member| {
            !picked(id, member) || {
                delivered += 1;
                member.deliver(delivery, expires)
            }
        });
        self.delivered += delivered;
        all_keep_up
    }

    /// Lets `push` queue something for each connection in a group, as [`push`](Self::push) does.
    pub(super) fn push_to_group(
        &mut self,
        hub: &str,
        group: &str,
        push: impl FnMut(&str, &mut Member) -> bool,
    ) -> bool {
        let members = self.groups.members(&key(hub), group);
        self.push_to(hub, &members, push)
    }

    fn push_to(
        &mut self,
        hub: &str,
        connections: &[String],
        mut push: impl FnMut(&str, &mut Member) -> bool,
    ) -> bool {
        let Some(members) = self.members_mut(hub) else { return true };
        let mut slow = Vec::new();
        for id in connections {
            if members.get_mut(id).is_some_and(|member| !push(id, member)) {
                slow.push(id.clone());
            }
        }
        self.close_slow(hub, &slow)
    }
}

impl Hubs {
    /// Queues a message for every connection in a group that matches `picked`. Other connections cost nothing.
    pub(super) fn deliver_to_group(
        &self,
        hub: &str,
        group: &str,
        delivery: &Delivery,
        picked: impl Fn(&str, &Member) -> bool,
    ) {
        self.push(|state| state.deliver_to_group(hub, group, delivery, picked));
    }

    /// Queues a message for one connection. A missing one is not an error.
    pub(super) fn deliver_to_connection(&self, hub: &str, connection: &str, delivery: &Delivery) {
        self.push(|state| {
            let expires = state.expiry(delivery);
            state.delivered += 1;
            state.push_to(hub, &[connection.to_owned()], |_, member| member.deliver(delivery, expires))
        });
    }

    /// Adds one connection to a group.
    pub(super) fn join_connection(&self, hub: &str, group: &str, connection: &str) -> Joined {
        self.change_state(|state| Joined::of(&[group], state.member(hub, connection).into_iter().collect()))
    }

    /// Whether a group has members.
    pub(super) fn has_group(&self, hub: &str, group: &str) -> bool {
        self.lock().groups.exists(&key(hub), group)
    }

    /// The number of messages queued for connections so far.
    pub(super) fn delivered(&self) -> u64 {
        self.lock().delivered
    }

    /// The numbers of connections, groups, and users of a hub.
    pub(super) fn counts(&self, hub: &str) -> (usize, usize, usize) {
        let state = self.lock();
        let users: HashSet<_> = state.members(hub).filter_map(|(_, member)| member.user.as_deref()).collect();
        (state.members(hub).count(), state.groups.count(&key(hub)), users.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_exists_while_it_has_members() {
        let index = Arc::new(GroupIndex::default());
        let [a, b] = ["a", "b"].map(|id| Enrollment::new(&index, "chat".to_owned(), id));
        b.add("g");
        a.add("g");
        assert_eq!(
            (index.members("chat", "g"), index.count("chat")),
            (vec!["a".to_owned(), "b".to_owned()], 1)
        );
        assert!(index.exists("chat", "g") && !index.exists("news", "g"));
        a.remove("g");
        b.remove("g");
        assert!(!index.exists("chat", "g") && index.lock().is_empty());
    }
}
