//! A subscription as a state machine: which events are available, locked, delayed, or dead at a given moment. It reads
//! no clock and wakes no receiver, so tests check every rule about time by passing in the time.

mod push;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::lock_token::{LockId, LockToken, Owner};
use super::observer::{DeliveryStep, Observer};
use super::settings::SubscriptionSettings;

/// The maximum number of events that a subscription holds.
pub(super) const MAX_EVENTS: usize = 100_000;
/// The maximum number of bytes of events that a subscription holds.
pub(super) const MAX_BYTES: usize = 256 * 1024 * 1024;
const MAX_DEAD_LETTERS: usize = 10_000;
const MAX_DEAD_BYTES: usize = 64 * 1024 * 1024;
/// A lock may be renewed this long after the event was received, however short the lock is.
const RENEWAL_WINDOW: Duration = Duration::from_secs(60 * 60);

/// Says why an event became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadLetterReason {
    /// A receiver rejected the event.
    Rejected,
    /// The event was released, or its lock expired, on its last allowed delivery.
    MaxDeliveryCountExceeded,
    /// The event was not acknowledged within its time to live.
    TimeToLiveExceeded,
    /// The webhook responded with a status after which events are not retried, or there was no response.
    NotRetried,
    /// The event was due while the subscription was on probation, and was not sent.
    Probation,
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Describes an event that will not be delivered again. [`EventGrid::dead_letters`](super::EventGrid::dead_letters)
/// returns it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Identifies the dead letter within its subscription.
    pub sequence: u64,
    /// The event, as it was delivered.
    pub event: serde_json::Value,
    /// The reason why the event became a dead letter.
    pub reason: DeadLetterReason,
    /// The number of times that the event was delivered before it became a dead letter.
    pub deliveries: u32,
    /// The status of the last attempt to push the event, or the reason why there was no response. `None` if there was no
    /// attempt, and for events that were pulled.
    pub last_result: Option<String>,
}

/// One delivery of an event to a receiver.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) token: String,
    pub(super) count: u32,
    pub(super) event: Arc<str>,
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) settings: SubscriptionSettings,
    pub(super) observer: Observer,
    /// Whether events are pushed. Then locks do not expire, and the time to live is checked when an attempt is due.
    pub(super) pushes: bool,
    owner: Owner,
    /// Sorted by publication, so that the oldest, which expires first, comes first.
    events: BTreeMap<u64, Entry>,
    next: u64,
    /// The positions of available events.
    ready: BTreeMap<i64, u64>,
    locks: HashMap<LockId, u64>,
    /// The times at which locks and release delays end.
    due: BTreeSet<(SystemTime, u64)>,
    bytes: usize,
    dead: VecDeque<Dead>,
    dead_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    event: Arc<str>,
    published: SystemTime,
    deliveries: u32,
    /// When the event was first pushed, and what became of the last attempt.
    first_attempt: Option<SystemTime>,
    last_result: Option<Arc<str>>,
    state: State,
}

/// A dead letter whose event is not parsed. Cloning it is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Dead {
    sequence: u64,
    pub(crate) event: Arc<str>,
    pub(crate) reason: DeadLetterReason,
    pub(crate) deliveries: u32,
    pub(crate) last_result: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Ready {
        position: i64,
    },
    Delayed {
        until: SystemTime,
    },
    /// Without an end while the event is pushed.
    Locked {
        id: LockId,
        received: SystemTime,
        until: Option<SystemTime>,
    },
}

impl Default for Subscription {
    fn default() -> Self {
        Self {
            settings: SubscriptionSettings::default(),
            observer: Observer::default(),
            pushes: false,
            owner: Owner::fresh(),
            events: BTreeMap::new(),
            next: 0,
            ready: BTreeMap::new(),
            locks: HashMap::new(),
            due: BTreeSet::new(),
            bytes: 0,
            dead: VecDeque::new(),
            dead_bytes: 0,
        }
    }
}

impl Subscription {
    /// Applies everything that has become due by now. The other methods require this.
    pub(super) fn tick(&mut self, now: SystemTime) {
        while !self.pushes
            && let Some((&oldest, entry)) = self.events.first_key_value()
            && entry.published + self.settings.time_to_live <= now
        {
            self.dead_letter(oldest, DeadLetterReason::TimeToLiveExceeded);
        }
        while let Some(&(at, event)) = self.due.first()
            && at <= now
        {
            self.observe(event, DeliveryStep::Expired);
            self.make_available_again(event);
        }
    }

    /// Whether this many more events, of this many bytes in total, may be added.
    pub(super) fn has_room(&self, events: usize, bytes: usize) -> bool {
        self.events.len() + events <= MAX_EVENTS && self.bytes + bytes <= MAX_BYTES
    }

    pub(super) fn add(&mut self, event: Arc<str>, now: SystemTime) {
        let position = self.ready.last_key_value().map_or(0, |(last, _)| last + 1);
        let id = self.next;
        self.next += 1;
        self.bytes += event.len();
        self.ready.insert(position, id);
        let state = State::Ready { position };
        let (first_attempt, last_result) = (None, None);
        self.events
            .insert(id, Entry { event, published: now, deliveries: 0, first_attempt, last_result, state });
    }

    /// Locks and returns up to `max` available events.
    pub(super) fn take(&mut self, max: usize, now: SystemTime) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some((_, &id)) = self.ready.first_key_value()
        {
            taken.extend(self.lock(id, now, Some(now + self.settings.lock_duration)));
        }
        taken
    }

    /// Locks an available event.
    fn lock(&mut self, id: u64, now: SystemTime, until: Option<SystemTime>) -> Option<Delivery> {
        let token = LockToken::fresh(self.owner);
        self.enter(id, State::Locked { id: token.id, received: now, until });
        let entry = self.events.get_mut(&id)?;
        entry.deliveries += 1;
        self.locks.insert(token.id, id);
        self.due.extend(until.map(|until| (until, id)));
        let (token, event) = (token.encode(), Arc::clone(&entry.event));
        self.observer.report(DeliveryStep::Locked, || token.clone(), &event, entry.deliveries);
        Some(Delivery { token, count: entry.deliveries, event })
    }

    /// Deletes a locked event. Like the next three methods, returns `false` if the lock is no longer held.
    pub(super) fn acknowledge(&mut self, token: &LockToken) -> bool {
        let Some(id) = self.find(token) else { return false };
        self.observe(id, DeliveryStep::Acknowledged);
        self.remove(id).is_some()
    }

    /// Makes a locked event available again, after a delay.
    pub(super) fn release(&mut self, token: &LockToken, delay: Duration, now: SystemTime) -> bool {
        let Some(id) = self.find(token) else { return false };
        self.observe(id, DeliveryStep::Released);
        if delay.is_zero() {
            self.make_available_again(id);
        } else {
            let until = now + delay;
            self.enter(id, State::Delayed { until });
            self.due.insert((until, id));
        }
        true
    }

    pub(super) fn reject(&mut self, token: &LockToken) -> bool {
        let Some(id) = self.find(token) else { return false };
        self.observe(id, DeliveryStep::Rejected);
        self.dead_letter(id, DeadLetterReason::Rejected);
        true
    }

    /// Renews the lock for its full duration, unless the event was received too long ago.
    pub(super) fn renew(&mut self, token: &LockToken, now: SystemTime) -> bool {
        let Some(event) = self.find(token) else { return false };
        let Some(Entry { state: State::Locked { id, received, .. }, .. }) = self.events.get(&event) else {
            return false;
        };
        let (id, received) = (*id, *received);
        if now > received + RENEWAL_WINDOW {
            return false;
        }
        let until = now + self.settings.lock_duration;
        self.enter(event, State::Locked { id, received, until: Some(until) });
        self.locks.insert(id, event);
        self.due.insert((until, event));
        true
    }

    /// The number of events that can be received now.
    pub(super) fn available(&self) -> usize {
        self.ready.len()
    }

    /// The time at which the next lock or release delay ends.
    pub(super) fn next_due(&self) -> Option<SystemTime> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(super) fn waiting(&self) -> usize {
        self.events.len() - self.locks.len()
    }

    pub(super) fn locked(&self) -> usize {
        self.locks.len()
    }

    pub(super) fn dead_letter_count(&self) -> usize {
        self.dead.len()
    }

    /// Oldest first.
    pub(super) fn dead(&self) -> impl DoubleEndedIterator<Item = &Dead> {
        self.dead.iter()
    }

    /// Publishes dead letters again to this subscription: those that are `picked`, oldest first, while there is room.
    pub(super) fn resubmit(&mut self, picked: impl Fn(u64) -> bool, now: SystemTime) -> usize {
        let mut count = 0;
        for dead in std::mem::take(&mut self.dead) {
            if picked(dead.sequence) && self.has_room(1, dead.event.len()) {
                self.dead_bytes -= dead.event.len();
                self.add(dead.event, now);
                count += 1;
            } else {
                self.dead.push_back(dead);
            }
        }
        count
    }

    /// Reports a step of a locked event. An event that is not locked, because its release delay ends, has no delivery.
    fn observe(&self, id: u64, step: DeliveryStep) {
        let Some(entry) = self.events.get(&id) else { return };
        if let State::Locked { id, .. } = entry.state {
            let token = || LockToken { owner: self.owner, id }.encode();
            self.observer.report(step, token, &entry.event, entry.deliveries);
        }
    }

    fn find(&self, token: &LockToken) -> Option<u64> {
        if token.owner == self.owner { self.locks.get(&token.id).copied() } else { None }
    }

    /// Moves the event to the front. Observed: the service delivers redeliveries before new events, and the newest of
    /// them first.
    fn make_available_again(&mut self, id: u64) {
        let used_up =
            self.events.get(&id).is_some_and(|entry| entry.deliveries >= self.settings.max_delivery_count);
        if used_up {
            return self.dead_letter(id, DeadLetterReason::MaxDeliveryCountExceeded);
        }
        let position = self.ready.first_key_value().map_or(0, |(first, _)| first - 1);
        self.enter(id, State::Ready { position });
        self.ready.insert(position, id);
    }

    /// Changes the state of an event and removes what was recorded for the old one.
    fn enter(&mut self, id: u64, state: State) {
        if let Some(entry) = self.events.get_mut(&id) {
            let old = std::mem::replace(&mut entry.state, state);
            self.leave(id, old);
        }
    }

    fn leave(&mut self, id: u64, state: State) {
        match state {
            State::Ready { position } => {
                self.ready.remove(&position);
            }
            State::Delayed { until } => {
                self.due.remove(&(until, id));
            }
            State::Locked { id: lock, until, .. } => {
                self.locks.remove(&lock);
                if let Some(until) = until {
                    self.due.remove(&(until, id));
                }
            }
        }
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.events.remove(&id)?;
        self.leave(id, entry.state);
        self.bytes -= entry.event.len();
        Some(entry)
    }

    fn dead_letter(&mut self, id: u64, reason: DeadLetterReason) {
        let Some(entry) = self.remove(id) else { return };
        self.dead_bytes += entry.event.len();
        let Entry { event, deliveries, last_result, .. } = entry;
        self.dead.push_back(Dead { sequence: id, event, reason, deliveries, last_result });
        while (self.dead.len() > MAX_DEAD_LETTERS || self.dead_bytes > MAX_DEAD_BYTES)
            && let Some(Dead { event, .. }) = self.dead.pop_front()
        {
            self.dead_bytes -= event.len();
        }
    }
}

impl Dead {
    pub(super) fn letter(&self) -> DeadLetter {
        DeadLetter {
            sequence: self.sequence,
            event: serde_json::from_str(&self.event).unwrap_or_default(),
            reason: self.reason,
            deliveries: self.deliveries,
            last_result: self.last_result.as_deref().map(str::to_owned),
        }
    }
}
