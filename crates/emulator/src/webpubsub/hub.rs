//! Who is connected to which hub, and in which groups: one lock over all, so that every operation sees and leaves a
//! whole state, and messages to a group arrive in one order.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use super::delivery::Delivery;
use super::member::Member;
use super::outbox::Closing;
use crate::clock::Clock;

/// All hubs; a hub exists while it has connections.
#[derive(Debug)]
pub(super) struct Hubs {
    pub(super) clock: Clock,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

type Members = BTreeMap<String, Member>;

#[derive(Debug, Default)]
pub(super) struct State {
    hubs: HashMap<String, Members>,
    /// Connections whose socket was lost: until when each is kept, in that order. Some have come back since.
    pub(super) lost: VecDeque<(SystemTime, String, String)>,
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
    /// Whether it has a socket; a reliable connection is kept for 30 s without one.
    pub online: bool,
    /// The subprotocol; absent for a simple client, unless an event handler has chosen one for it.
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

impl Hubs {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default(), changed: watch::Sender::default() }
    }

    /// Puts a connection into its hub.
    pub(super) fn enter(&self, hub: &str, connection: &str, member: Member) {
        member.announce();
        self.change(|hubs| hubs.entry(key(hub)).or_default().insert(connection.to_owned(), member));
    }

    /// Takes out and closes the connections that `picked` picks.
    pub(super) fn close(&self, hub: &str, closing: &Closing, picked: impl Fn(&str, &Member) -> bool) {
        self.change(|hubs| {
            let Some(members) = hubs.get_mut(&key(hub)) else { return };
            members.retain(|connection, member| {
                let picked = picked(connection, member);
                if picked {
                    member.announce_end(closing.reason.as_deref().unwrap_or("ClosedByAppServer"));
                    member.outbox.iter().for_each(|outbox| outbox.close(closing.clone()));
                }
                !picked
            });
        });
    }

    /// Whether a connection is such that `picked` picks it.
    pub(super) fn any(&self, hub: &str, picked: impl Fn(&str, &Member) -> bool) -> bool {
        self.lock()
            .hubs
            .get(&key(hub))
            .is_some_and(|members| members.iter().any(|(id, member)| picked(id, member)))
    }

    /// Queues a message for every connection that `picked` picks.
    pub(super) fn deliver(&self, hub: &str, delivery: &Delivery, picked: impl Fn(&str, &Member) -> bool) {
        let expires = delivery.time_to_live.map(|time_to_live| self.clock.now() + time_to_live);
        let mut state = self.lock();
        let Some(members) = state.hubs.get_mut(&key(hub)) else { return };
        let mut slow = Vec::new();
        for (id, member) in members.iter_mut().filter(|(id, member)| picked(id, member)) {
            if !member.deliver(delivery, expires) {
                slow.push(id.clone());
            }
        }
        drop(state);
        if !slow.is_empty() {
            self.close(hub, &Closing::slow_client(), |id, _| slow.iter().any(|slow| slow == id));
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
                groups.iter().for_each(|group| member.join(group));
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
        self.lock().member(hub, connection).map(work)
    }

    /// At most `count` members that `picked` picks, with their ids, in the order of these, from behind `after`.
    pub(super) fn page(
        &self,
        hub: &str,
        after: Option<&str>,
        count: usize,
        picked: impl Fn(&Member) -> bool,
    ) -> Vec<(String, Option<String>)> {
        let state = self.lock();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members =
            state.hubs.get(&key(hub)).map(|members| members.range::<str, _>((start, Bound::Unbounded)));
        let picked = members.into_iter().flatten().filter(|(_, member)| picked(member));
        picked.take(count).map(|(id, member)| (id.clone(), member.user.clone())).collect()
    }

    /// The names of the hubs, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.lock().hubs.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The connections of a hub.
    pub(super) fn connections(&self, hub: &str) -> Vec<ConnectionInfo> {
        let state = self.lock();
        let members = state.hubs.get(&key(hub)).into_iter().flatten();
        members.map(|(connection, member)| ConnectionInfo::new(connection, member)).collect()
    }

    /// Returns once the hub has so many connections.
    pub(super) async fn wait_for(&self, hub: &str, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.connections(hub).len() != count {
            let next = self.lock().lost.front().map(|(until, ..)| *until);
            tokio::select! {
                changed = changed.changed() => if changed.is_err() { return },
                () = self.clock.sleep_until_some(next) => {}
            }
        }
    }

    /// Looks for connections whose time has run out, at a moment when nobody else may.
    pub(super) fn sweep_at(self: &Arc<Self>, moment: SystemTime) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (hubs, clock) = (Arc::downgrade(self), self.clock.clone());
        runtime.spawn(async move {
            clock.sleep_until(moment).await;
            if let Some(hubs) = hubs.upgrade() {
                hubs.change_state(|_| ());
            }
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<String, Members>) -> T) -> T {
        self.change_state(|state| change(&mut state.hubs))
    }

    pub(super) fn change_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let outcome = change(&mut state);
        state.hubs.retain(|_, members| !members.is_empty());
        drop(state);
        self.changed.send_replace(());
        outcome
    }

    /// Connections whose time has run out are gone for whoever looks.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.give_up(self.clock.now());
        state
    }
}

impl State {
    pub(super) fn member(&mut self, hub: &str, connection: &str) -> Option<&mut Member> {
        self.hubs.get_mut(&key(hub))?.get_mut(connection)
    }

    pub(super) fn remove(&mut self, hub: &str, connection: &str, reason: &str) {
        if let Some(member) = self.hubs.get_mut(&key(hub)).and_then(|members| members.remove(connection)) {
            member.announce_end(reason);
        }
    }
}

impl ConnectionInfo {
    fn new(connection: &str, member: &Member) -> Self {
        Self {
            connection_id: connection.to_owned(),
            user_id: member.user.clone(),
            groups: member.groups.as_slice().to_vec(),
            online: member.outbox.is_some(),
            subprotocol: member.protocol.name().map(str::to_owned),
        }
    }
}

/// Hub names are compared without regard to case.
fn key(hub: &str) -> String {
    hub.to_ascii_lowercase()
}
