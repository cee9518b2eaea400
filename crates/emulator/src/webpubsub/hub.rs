//! Who is connected to which hub, and in which groups: one lock over all, so that every operation sees and leaves a
//! whole state, and messages to a group arrive in one order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::connection::Protocol;
use super::delivery::Delivery;
use super::outbox::{Closing, Outbox};

/// The service names no bound; this one keeps a client from filling the memory.
const MOST_GROUPS: usize = 1_000;

/// All hubs; a hub exists while it has connections.
#[derive(Debug, Default)]
pub(super) struct Hubs {
    hubs: Mutex<HashMap<String, Members>>,
    changed: watch::Sender<()>,
}

type Members = BTreeMap<String, Member>;

/// One connection, as its hub knows it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) user: Option<String>,
    pub(super) groups: BTreeSet<String>,
    pub(super) protocol: Protocol,
    pub(super) outbox: Outbox,
}

/// A live connection as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The id that the service gave it.
    pub connection_id: String,
    /// The user of its token, absent when anonymous.
    pub user_id: Option<String>,
    /// The groups it is in, sorted.
    pub groups: Vec<String>,
    /// The pub/sub subprotocol, absent for a simple client.
    pub subprotocol: Option<String>,
}

/// What came of joining a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    Yes,
    NoConnection,
    TooMany,
}

/// Keeps a connection in its hub; dropping it takes the connection out.
#[derive(Debug)]
pub(super) struct Membership {
    hubs: Arc<Hubs>,
    pub(super) hub: String,
    pub(super) connection: String,
}

impl Member {
    pub(super) fn is_in(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    pub(super) fn is_user(&self, user: &str) -> bool {
        self.user.as_deref() == Some(user)
    }
}

impl Hubs {
    /// Puts a connection into its hub.
    pub(super) fn enter(self: &Arc<Self>, hub: &str, connection: &str, member: Member) -> Membership {
        let (hub, connection) = (key(hub), connection.to_owned());
        self.change(|hubs| hubs.entry(hub.clone()).or_default().insert(connection.clone(), member));
        Membership { hubs: Arc::clone(self), hub, connection }
    }

    /// Takes out and closes the connections that `picked` picks.
    pub(super) fn close(&self, hub: &str, closing: &Closing, picked: impl Fn(&str, &Member) -> bool) {
        self.change(|hubs| {
            let Some(members) = hubs.get_mut(&key(hub)) else { return };
            members.retain(|connection, member| {
                let picked = picked(connection, member);
                if picked {
                    member.outbox.close(closing.clone());
                }
                !picked
            });
        });
    }

    /// Whether a connection is such that `picked` picks it.
    pub(super) fn any(&self, hub: &str, picked: impl Fn(&str, &Member) -> bool) -> bool {
        self.lock()
            .get(&key(hub))
            .is_some_and(|members| members.iter().any(|(id, member)| picked(id, member)))
    }

    /// Queues a message for every connection that `picked` picks.
    pub(super) fn deliver(&self, hub: &str, delivery: &Delivery, picked: impl Fn(&str, &Member) -> bool) {
        let hubs = self.lock();
        let Some(members) = hubs.get(&key(hub)) else { return };
        for (_, member) in members.iter().filter(|(connection, member)| picked(connection, member)) {
            member.outbox.push(member.protocol.encode(delivery));
        }
    }

    /// Puts a connection into a group.
    pub(super) fn join(&self, hub: &str, connection: &str, group: &str) -> Joined {
        self.change(|hubs| {
            let Some(member) = hubs.get_mut(&key(hub)).and_then(|members| members.get_mut(connection)) else {
                return Joined::NoConnection;
            };
            if member.groups.len() >= MOST_GROUPS && !member.groups.contains(group) {
                return Joined::TooMany;
            }
            member.groups.insert(group.to_owned());
            Joined::Yes
        })
    }

    /// Takes a connection out of a group.
    pub(super) fn leave(&self, hub: &str, connection: &str, group: &str) {
        self.change(|hubs| {
            if let Some(member) = hubs.get_mut(&key(hub)).and_then(|members| members.get_mut(connection)) {
                member.groups.remove(group);
            }
        });
    }

    /// The connections of a hub.
    pub(super) fn connections(&self, hub: &str) -> Vec<ConnectionInfo> {
        let hubs = self.lock();
        let members = hubs.get(&key(hub)).into_iter().flatten();
        members.map(|(connection, member)| ConnectionInfo::new(connection, member)).collect()
    }

    /// Returns once the hub has so many connections.
    pub(super) async fn wait_for(&self, hub: &str, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.lock().get(&key(hub)).map_or(0, BTreeMap::len) != count {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<String, Members>) -> T) -> T {
        let mut hubs = self.lock();
        let outcome = change(&mut hubs);
        hubs.retain(|_, members| !members.is_empty());
        drop(hubs);
        self.changed.send_replace(());
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Members>> {
        self.hubs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionInfo {
    fn new(connection: &str, member: &Member) -> Self {
        Self {
            connection_id: connection.to_owned(),
            user_id: member.user.clone(),
            groups: member.groups.iter().cloned().collect(),
            subprotocol: member.protocol.name().map(str::to_owned),
        }
    }
}

impl Membership {
    pub(super) fn hubs(&self) -> &Hubs {
        &self.hubs
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hubs.change(|hubs| hubs.get_mut(&self.hub).and_then(|members| members.remove(&self.connection)));
    }
}

/// Hub names are compared without regard to case.
fn key(hub: &str) -> String {
    hub.to_ascii_lowercase()
}
