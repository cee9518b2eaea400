//! The connections of each hub and their groups, behind one lock, so that every operation sees and leaves a consistent
//! state and all members of a group receive messages in the same order.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::delivery::Delivery;
use super::group_index::{Enrollment, GroupIndex};
use super::member::Member;
use super::outbox::Closing;
use crate::clock::Clock;

/// All hubs. A hub exists while it has connections.
#[derive(Debug)]
pub(super) struct Hubs {
    pub(super) clock: Clock,
    state: Mutex<State>,
    changed: watch::Sender<()>,
    ack_delay: Mutex<Duration>,
    groups: Arc<GroupIndex>,
    /// The number of messages queued for connections so far.
    delivered: AtomicU64,
}

type Members = BTreeMap<String, Member>;

#[derive(Debug, Default)]
pub(super) struct State {
    hubs: HashMap<String, Members>,
    /// Connections with a lost socket, and until when each is kept, in that order. Some may have been recovered since.
    pub(super) lost: VecDeque<(SystemTime, String, String)>,
}

/// Describes a live connection, as returned by [`connections`](super::WebPubSub::connections).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Contains the id that the service assigned.
    pub connection_id: String,
    /// Contains the user id of its token. `None` if the client is anonymous.
    pub user_id: Option<String>,
    /// Contains the names of its groups, sorted.
    pub groups: Vec<String>,
    /// Is `true` while the connection has a socket. A reliable connection is kept for 30 s without one.
    pub online: bool,
    /// Contains the subprotocol. `None` for a simple client, unless an event handler has selected one.
    pub subprotocol: Option<String>,
}

/// The outcome of joining groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// All matching connections are in the groups.
    All,
    /// No connection matches.
    NoMatch,
    /// A connection would be in too many groups, so none has joined.
    TooMany,
}

impl Hubs {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            changed: watch::Sender::default(),
            ack_delay: Mutex::default(),
            groups: Arc::default(),
            delivered: AtomicU64::new(0),
        }
    }

    /// The time by which acks are delayed.
    pub(super) fn ack_delay(&self) -> Duration {
        *self.ack_delay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_ack_delay(&self, delay: Duration) {
        *self.ack_delay.lock().unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// Adds a connection to its hub.
    pub(super) fn enter(&self, hub: &str, connection: &str, mut member: Member) {
        member.announce();
        self.change(|hubs| {
            member.enroll(Enrollment::new(&self.groups, key(hub), connection));
            hubs.entry(key(hub)).or_default().insert(connection.to_owned(), member)
        });
    }

    /// Removes and closes the connections that match `picked`.
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

    /// Whether a connection matches `picked`.
    pub(super) fn any(&self, hub: &str, picked: impl Fn(&str, &Member) -> bool) -> bool {
        self.lock()
            .hubs
            .get(&key(hub))
            .is_some_and(|members| members.iter().any(|(id, member)| picked(id, member)))
    }

    /// Queues a message for every connection that matches `picked`.
    pub(super) fn deliver(&self, hub: &str, delivery: &Delivery, picked: impl Fn(&str, &Member) -> bool) {
        self.deliver_each(hub, delivery, |members, queue| {
            members
                .iter_mut()
                .filter(|(id, member)| picked(id, member))
                .for_each(|(id, member)| queue(id, member));
        });
    }

    /// Queues a message for every connection in a group that matches `picked`. Other connections cost nothing.
    pub(super) fn deliver_to_group(
        &self,
        hub: &str,
        group: &str,
        delivery: &Delivery,
        picked: impl Fn(&str, &Member) -> bool,
    ) {
        self.deliver_each(hub, delivery, |members, queue| {
            for id in self.groups.members(&key(hub), group) {
                if let Some(member) = members.get_mut(&id).filter(|member| picked(&id, member)) {
                    queue(&id, member);
                }
            }
        });
    }

    /// Queues a message for one connection. A missing one is not an error.
    pub(super) fn deliver_to_connection(&self, hub: &str, connection: &str, delivery: &Delivery) {
        self.deliver_each(hub, delivery, |members, queue| {
            if let Some(member) = members.get_mut(connection) {
                queue(connection, member);
            }
        });
    }

    /// Queues a message for the connections that `pick` passes on, and closes those that have left too much
    /// unacknowledged.
    fn deliver_each(
        &self,
        hub: &str,
        delivery: &Delivery,
        pick: impl FnOnce(&mut Members, &mut dyn FnMut(&str, &mut Member)),
    ) {
        let expires = delivery.time_to_live.map(|time_to_live| self.clock.now() + time_to_live);
        let mut state = self.lock();
        let Some(members) = state.hubs.get_mut(&key(hub)) else { return };
        let mut slow = Vec::new();
        let mut count = 0;
        pick(members, &mut |id, member| {
            count += 1;
            if !member.deliver(delivery, expires) {
                slow.push(id.to_owned());
            }
        });
        drop(state);
        self.delivered.fetch_add(count, Ordering::Relaxed);
        if !slow.is_empty() {
            self.close(hub, &Closing::slow_client(), |id, _| slow.iter().any(|slow| slow == id));
        }
    }

    /// The number of messages queued for connections so far.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Whether a group has members.
    pub(super) fn has_group(&self, hub: &str, group: &str) -> bool {
        // Expired connections are removed first.
        drop(self.lock());
        self.groups.exists(&key(hub), group)
    }

    /// The number of connections of a hub.
    fn count(&self, hub: &str) -> usize {
        self.lock().hubs.get(&key(hub)).map_or(0, BTreeMap::len)
    }

    /// The numbers of connections, groups, and users of a hub.
    pub(super) fn counts(&self, hub: &str) -> (usize, usize, usize) {
        let state = self.lock();
        let Some(members) = state.hubs.get(&key(hub)) else { return (0, 0, 0) };
        let users: HashSet<_> = members.values().filter_map(|member| member.user.as_deref()).collect();
        (members.len(), self.groups.count(&key(hub)), users.len())
    }

    /// Adds all connections that match `picked` to all groups, or none of them to any.
    pub(super) fn join(&self, hub: &str, groups: &[&str], picked: impl Fn(&str, &Member) -> bool) -> Joined {
        self.change(|hubs| {
            let members = hubs.get_mut(&key(hub)).into_iter().flatten();
            join_all(
                groups,
                members.filter(|(id, member)| picked(id, member)).map(|(_, member)| member).collect(),
            )
        })
    }

    /// Adds one connection to a group.
    pub(super) fn join_connection(&self, hub: &str, group: &str, connection: &str) -> Joined {
        self.change(|hubs| {
            let member = hubs.get_mut(&key(hub)).and_then(|members| members.get_mut(connection));
            join_all(&[group], member.into_iter().collect())
        })
    }

    /// Changes the connections that match `picked`.
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

    /// Reads or changes one connection. Returns `None` if it does not exist.
    pub(super) fn with<T>(
        &self,
        hub: &str,
        connection: &str,
        change: impl FnOnce(&mut Member) -> T,
    ) -> Option<T> {
        self.lock().member(hub, connection).map(change)
    }

    /// At most `count` members that match `picked`, sorted by id, starting after `after`.
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

    /// The names of the hubs, sorted.
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

    /// Returns once the hub has this many connections.
    pub(super) async fn wait_for(&self, hub: &str, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.count(hub) != count {
            let next = self.lock().lost.front().map(|(until, ..)| *until);
            tokio::select! {
                changed = changed.changed() => if changed.is_err() { return },
                () = self.clock.sleep_until_some(next) => {}
            }
        }
    }

    /// Removes expired connections at a time when no other access may do so.
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

    /// Every access removes expired connections first, so that no caller sees them.
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

fn join_all(groups: &[&str], mut joining: Vec<&mut Member>) -> Joined {
    if joining.is_empty() {
        return Joined::NoMatch;
    }
    if !joining.iter().all(|member| member.can_join(groups)) {
        return Joined::TooMany;
    }
    for member in &mut joining {
        groups.iter().for_each(|group| member.join(group));
    }
    Joined::All
}

/// Hub names are case-insensitive.
fn key(hub: &str) -> String {
    hub.to_ascii_lowercase()
}
