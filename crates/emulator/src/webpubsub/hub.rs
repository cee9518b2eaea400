//! The connections of each hub and their groups, behind one lock, so that every operation sees and leaves a consistent
//! state and all members of a group receive messages in the same order.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::delivery::Delivery;
use super::frame::{ServerFrame, StateKind};
use super::limits::PreviewLimits;
use super::member::Member;
use super::news::News;
use super::outbox::Closing;
use crate::clock::Clock;

/// All hubs. A hub exists while it has connections.
#[derive(Debug)]
pub(super) struct Hubs {
    pub(super) clock: Clock,
    state: Mutex<State>,
    changed: watch::Sender<()>,
    ack_delay: Mutex<Duration>,
    limits: Mutex<PreviewLimits>,
}

type Members = BTreeMap<String, Member>;

#[derive(Debug)]
pub(super) struct State {
    clock: Clock,
    hubs: HashMap<String, Members>,
    /// Connections with a lost socket, and until when each is kept, in that order. Some may have been recovered since.
    pub(super) lost: VecDeque<(SystemTime, String, String)>,
    streams_started: u64,
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
        let state =
            State { clock: clock.clone(), hubs: HashMap::new(), lost: VecDeque::new(), streams_started: 0 };
        Self {
            clock,
            state: Mutex::new(state),
            changed: watch::Sender::default(),
            ack_delay: Mutex::default(),
            limits: Mutex::default(),
        }
    }

    pub(super) fn limits(&self) -> PreviewLimits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_limits(&self, limits: PreviewLimits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The time by which acks are delayed.
    pub(super) fn ack_delay(&self) -> Duration {
        *self.ack_delay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_ack_delay(&self, delay: Duration) {
        *self.ack_delay.lock().unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// Adds a connection to its hub.
    pub(super) fn enter(&self, hub: &str, connection: &str, member: Member) {
        member.announce();
        self.change(|hubs| hubs.entry(key(hub)).or_default().insert(connection.to_owned(), member));
    }

    /// Removes and closes the connections that match `picked`.
    pub(super) fn close(&self, hub: &str, closing: &Closing, picked: impl Fn(&str, &Member) -> bool) {
        self.change_state(|state| state.close(hub, closing, picked));
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
        let all_keep_up = self.lock().deliver(hub, delivery, picked);
        if !all_keep_up {
            self.changed.send_replace(());
        }
    }

    /// Adds all connections that match `picked` to all groups, or none of them to any.
    pub(super) fn join(&self, hub: &str, groups: &[&str], picked: impl Fn(&str, &Member) -> bool) -> Joined {
        self.change(|hubs| {
            let members = hubs.get_mut(&key(hub)).into_iter().flatten();
            let mut joining: Vec<_> =
                members.filter(|(id, member)| picked(id, member)).map(|(_, member)| member).collect();
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
        })
    }

    /// Removes the connections that match `picked` from these groups.
    pub(super) fn leave(&self, hub: &str, groups: &[&str], picked: impl Fn(&str, &Member) -> bool) {
        self.part(hub, picked, |id, member, now| {
            groups.iter().filter_map(|group| member.leave(id, group, now)).collect()
        });
    }

    /// Removes the connections that match `picked` from all their groups.
    pub(super) fn leave_all(&self, hub: &str, picked: impl Fn(&str, &Member) -> bool) {
        self.part(hub, picked, |id, member, now| member.leave_all(id, now));
    }

    fn part(
        &self,
        hub: &str,
        picked: impl Fn(&str, &Member) -> bool,
        change: impl Fn(&str, &mut Member, SystemTime) -> Vec<News>,
    ) {
        self.change_state(|state| {
            let now = self.clock.now();
            let members = state.hubs.get_mut(&key(hub)).into_iter().flatten();
            let parting = members.filter(|(id, member)| picked(id, member));
            let news = parting.flat_map(|(id, member)| change(id, member, now)).collect();
            state.publish(hub, news);
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
        while self.connections(hub).len() != count {
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
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.give_up(self.clock.now());
        state
    }
}

impl State {
    pub(super) fn member(&mut self, hub: &str, connection: &str) -> Option<&mut Member> {
        self.hubs.get_mut(&key(hub))?.get_mut(connection)
    }

    /// The number of a new stream.
    pub(super) fn next_stream(&mut self) -> u64 {
        self.streams_started += 1;
        self.streams_started
    }

    /// The connections of a hub, sorted by id.
    pub(super) fn members(&self, hub: &str) -> impl Iterator<Item = (&String, &Member)> {
        self.hubs.get(&key(hub)).into_iter().flatten()
    }

    pub(super) fn remove(&mut self, hub: &str, connection: &str, reason: &str) {
        let now = self.clock.now();
        let Some(members) = self.hubs.get_mut(&key(hub)) else { return };
        let Some(mut member) = members.remove(connection) else { return };
        member.announce_end(reason);
        self.publish(hub, member.last_news(connection, now));
    }

    /// Removes and closes the connections that match `picked`.
    fn close(&mut self, hub: &str, closing: &Closing, picked: impl Fn(&str, &Member) -> bool) {
        let (now, mut news) = (self.clock.now(), Vec::new());
        let Some(members) = self.hubs.get_mut(&key(hub)) else { return };
        members.retain(|connection, member| {
            let picked = picked(connection, member);
            if picked {
                member.announce_end(closing.reason.as_deref().unwrap_or("ClosedByAppServer"));
                member.outbox.iter().for_each(|outbox| outbox.close(closing.clone()));
                news.extend(member.last_news(connection, now));
            }
            !picked
        });
        self.publish(hub, news);
    }

    /// Queues a message for every connection that matches `picked`. Returns `false` if one was closed, because it has left
    /// too many unacknowledged.
    pub(super) fn deliver(
        &mut self,
        hub: &str,
        delivery: &Delivery,
        picked: impl Fn(&str, &Member) -> bool,
    ) -> bool {
        let expires = delivery.time_to_live.map(|time_to_live| self.clock.now() + time_to_live);
        self.push(hub, |id, member| !picked(id, member) || member.deliver(delivery, expires))
    }

    /// Lets `push` queue something for each connection. Those for which it returns `false` are closed, because they have
    /// left too many messages unacknowledged. Returns whether there was none.
    pub(super) fn push(&mut self, hub: &str, mut push: impl FnMut(&str, &mut Member) -> bool) -> bool {
        let members = self.hubs.get_mut(&key(hub)).into_iter().flatten();
        let slow: Vec<_> =
            members.filter_map(|(id, member)| (!push(id, member)).then(|| id.clone())).collect();
        if !slow.is_empty() {
            self.close(hub, &Closing::slow_client(), |id, _| slow.iter().any(|slow| slow == id));
        }
        slow.is_empty()
    }

    /// Sends news to the members of their groups.
    pub(super) fn publish(&mut self, hub: &str, news: Vec<News>) {
        for news in news {
            match news {
                News::State { group, item } => {
                    let (kind, items) = (StateKind::Update, std::slice::from_ref(&item));
                    self.push(hub, |_, member| {
                        let receives = member.states.is_subscribed(&group) && member.is_in(&group);
                        let frame = |id| ServerFrame::GroupState { kind, group: &group, items, id };
                        !receives || member.push(None, frame)
                    });
                }
                News::Message { group, delivery, except } => {
                    self.deliver(hub, &delivery, |id, member| {
                        member.is_in(&group) && except.as_deref() != Some(id)
                    });
                }
            }
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

/// Hub names are case-insensitive.
fn key(hub: &str) -> String {
    hub.to_ascii_lowercase()
}
