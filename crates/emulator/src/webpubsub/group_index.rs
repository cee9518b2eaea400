//! Which connections are in which group, so that a message to a group costs what its members cost, however many
//! connections its hub has.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
