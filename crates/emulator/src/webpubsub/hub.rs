//! Who is connected to which hub, and in which groups: one lock over all, so that every operation sees and leaves a
//! whole state, and messages to a group arrive in one order.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::delivery::Delivery;
use super::member::Member;
use super::outbox::Closing;
use super::roles::Permission;
use crate::clock::Clock;

/// All hubs; a hub exists while it has connections.
#[derive(Debug)]
pub(super) struct Hubs {
    clock: Clock,
    hubs: Mutex<HashMap<String, Members>>,
    changed: watch::Sender<()>,
}

type Members = BTreeMap<String, Member>;

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

/// What came of joining groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// Everyone who was picked is in.
    Yes,
    /// Nobody was picked.
    Nobody,
    /// Someone would be in too many groups; nobody has joined.
    TooMany,
}

/// Keeps a connection in its hub; dropping it takes the connection out.
#[derive(Debug)]
pub(super) struct Membership {
    hubs: Arc<Hubs>,
    pub(super) hub: String,
    pub(super) connection: String,
}

impl Hubs {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, hubs: Mutex::default(), changed: watch::Sender::default() }
    }

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
        let expires = delivery.time_to_live.map(|time_to_live| self.clock.now() + time_to_live);
        let hubs = self.lock();
        let Some(members) = hubs.get(&key(hub)) else { return };
        for (_, member) in members.iter().filter(|(connection, member)| picked(connection, member)) {
            member.outbox.push_until(member.protocol.encode(delivery), expires);
        }
    }

    /// Puts those that `picked` picks into groups: all of them into each, or nobody.
    pub(super) fn join(&self, hub: &str, groups: &[&str], picked: impl Fn(&str, &Member) -> bool) -> Joined {
        self.change(|hubs| {
            let members = hubs.get_mut(&key(hub)).into_iter().flatten();
            let mut joining: Vec<_> =
                members.filter(|(id, member)| picked(id, member)).map(|(_, member)| member).collect();
            if joining.is_empty() {
                return Joined::Nobody;
            }
            if !joining.iter().all(|member| member.can_join(groups)) {
                return Joined::TooMany;
            }
            for member in &mut joining {
                groups.iter().for_each(|group| member.groups.add(group));
            }
            Joined::Yes
        })
    }

    /// Changes those that `picked` picks.
    pub(super) fn update(
        &self,
        hub: &str,
        picked: impl Fn(&str, &Member) -> bool,
        mut change: impl FnMut(&mut Member),
    ) {
        self.change(|hubs| {
            let members = hubs.get_mut(&key(hub)).into_iter().flatten();
            members.filter(|(id, member)| picked(id, member)).for_each(|(_, member)| change(member));
        });
    }

    /// Reads or changes one connection; `None` when it is not there.
    pub(super) fn with<T>(
        &self,
        hub: &str,
        connection: &str,
        work: impl FnOnce(&mut Member) -> T,
    ) -> Option<T> {
        self.lock().get_mut(&key(hub))?.get_mut(connection).map(work)
    }

    /// At most `count` members that `picked` picks, with their ids, in the order of these, from behind `after`.
    pub(super) fn page(
        &self,
        hub: &str,
        after: Option<&str>,
        count: usize,
        picked: impl Fn(&Member) -> bool,
    ) -> Vec<(String, Option<String>)> {
        let hubs = self.lock();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members = hubs.get(&key(hub)).map(|members| members.range::<str, _>((start, Bound::Unbounded)));
        let picked = members.into_iter().flatten().filter(|(_, member)| picked(member));
        picked.take(count).map(|(id, member)| (id.clone(), member.user.clone())).collect()
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
            groups: member.groups.as_slice().to_vec(),
            subprotocol: member.protocol.name().map(str::to_owned),
        }
    }
}

impl Membership {
    pub(super) fn hubs(&self) -> &Hubs {
        &self.hubs
    }

    /// Whether the connection may do this in the group.
    pub(super) fn allows(&self, permission: Permission, group: &str) -> bool {
        let allows = |member: &mut Member| member.roles.allow(permission, group);
        self.hubs.with(&self.hub, &self.connection, allows).unwrap_or(false)
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
