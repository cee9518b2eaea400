//! The topics of the namespace and their subscriptions, each with the signals that wake its receivers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use tokio::sync::{Notify, watch};

use super::errors::Rejection;
use super::push::{Push, PushInfo};
use super::settings::SubscriptionSettings;
use super::subscription::Subscription;

/// 100 topics for each of the 40 throughput units that a namespace may have.
const MAX_TOPICS: usize = 4_000;
const MAX_SUBSCRIPTIONS: usize = 500;

/// Describes a topic of the emulated namespace at one moment. [`EventGrid::topics`](super::EventGrid::topics) returns
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicInfo {
    /// The name that identifies the topic.
    pub name: String,
    /// The subscriptions that the topic has, sorted by name.
    pub subscriptions: Vec<SubscriptionInfo>,
}

/// Describes a subscription of the emulated namespace at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionInfo {
    /// The name that identifies the subscription within its topic.
    pub name: String,
    /// The settings that control its deliveries.
    pub settings: SubscriptionSettings,
    /// The number of events that are not locked: those available now and those released with a delay.
    pub waiting: usize,
    /// The number of events that are locked by a receiver.
    pub locked: usize,
    /// The number of dead letters that are kept.
    pub dead_letters: usize,
    /// The webhook to which the events are pushed. `None` if they are pulled.
    pub push: Option<PushInfo>,
}

#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) create_on_use: bool,
    topics: BTreeMap<String, Topic>,
}

type Topic = BTreeMap<String, Queue>;

impl Default for Namespace {
    fn default() -> Self {
        Self { create_on_use: true, topics: BTreeMap::new() }
    }
}

impl Namespace {
    pub(super) fn declare_topic(&mut self, topic: &str) {
        self.topics.entry(topic.to_owned()).or_default();
    }

    pub(super) fn declare(&mut self, topic: &str, subscription: &str) -> &mut Queue {
        let topic = self.topics.entry(topic.to_owned()).or_default();
        topic.entry(subscription.to_owned()).or_default()
    }

    pub(super) fn find(&mut self, topic: &str, subscription: &str) -> Option<&mut Queue> {
        self.topics.get_mut(topic)?.get_mut(subscription)
    }

    /// The topic of a request, created now if topics are created on use.
    pub(super) fn topic(&mut self, name: &str) -> Result<&mut Topic, Rejection> {
        if !self.topics.contains_key(name) {
            if !self.create_on_use {
                return Err(Rejection::not_found(format!("Topic '{name}' is not found")));
            }
            check_quota(self.topics.len(), MAX_TOPICS, "topics")?;
        }
        Ok(self.topics.entry(name.to_owned()).or_default())
    }

    /// The subscription of a request to receive or settle, created now if subscriptions are created on use.
    pub(super) fn queue(&mut self, topic: &str, subscription: &str) -> Result<&mut Queue, Rejection> {
        let create_on_use = self.create_on_use;
        let topic = self.topic(topic)?;
        if !topic.contains_key(subscription) {
            if !create_on_use {
                return Err(Rejection::not_found("Event subscription is not found"));
            }
            check_quota(topic.len(), MAX_SUBSCRIPTIONS, "subscriptions")?;
        }
        let queue = topic.entry(subscription.to_owned()).or_default();
        if queue.push.is_some() {
            return Err(Rejection::bad_request("The delivery mode of the event subscription is Push"));
        }
        Ok(queue)
    }
}

impl Namespace {
    /// Removes a subscription. Receivers that wait for its events, and the task that pushes them, end.
    pub(super) fn remove(&mut self, topic: &str, subscription: &str) -> bool {
        let removed = self.topics.get_mut(topic).and_then(|topic| topic.remove(subscription));
        removed.inspect(Queue::end).is_some()
    }

    /// Removes a topic with its subscriptions.
    pub(super) fn remove_topic(&mut self, topic: &str) -> bool {
        let removed = self.topics.remove(topic);
        removed.inspect(|queues| queues.values().for_each(Queue::end)).is_some()
    }

    /// Removes everything, settings included.
    pub(super) fn clear(&mut self) {
        let removed = std::mem::take(self);
        removed.topics.values().flat_map(BTreeMap::values).for_each(Queue::end);
    }

    pub(super) fn topics(&mut self, now: SystemTime) -> Vec<TopicInfo> {
        let topic = |(name, queues): (&String, &mut Topic)| {
            let subscriptions = queues.iter_mut().map(|(name, queue)| queue.info(name, now)).collect();
            TopicInfo { name: name.clone(), subscriptions }
        };
        self.topics.iter_mut().map(topic).collect()
    }
}

fn check_quota(have: usize, max: usize, what: &str) -> Result<(), Rejection> {
    if have < max {
        return Ok(());
    }
    let message = format!("The quota of {max} {what} is used up");
    Err(Rejection::new(StatusCode::FORBIDDEN, "QuotaExceeded", message))
}

/// A subscription and the receivers that wait for its events.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) subscription: Subscription,
    pub(super) push: Option<Push>,
    pub(super) signals: Arc<Signals>,
}

/// Signals that wake waiting receivers.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Wakes the longest-waiting receiver when an event is available.
    pub(super) ready: Notify,
    /// The end of the next lock or release delay, at which waiting receivers check again.
    pub(super) due: watch::Sender<Option<SystemTime>>,
}

impl Queue {
    /// Wakes all waiting receivers, because the subscription was removed.
    fn end(&self) {
        self.signals.due.send_modify(|_| ());
    }

    fn info(&mut self, name: &str, now: SystemTime) -> SubscriptionInfo {
        let push = self.push.as_ref().map(|push| push.info(now));
        self.change(now, |subscription| SubscriptionInfo {
            name: name.to_owned(),
            settings: subscription.settings,
            waiting: subscription.waiting(),
            locked: subscription.locked(),
            dead_letters: subscription.dead_letter_count(),
            push,
        })
    }

    /// Applies a change. Every change goes through here, so that each one wakes the receivers that it concerns.
    ///
    /// While events are available, one signal is pending: sent when an event becomes available, and again by a receiver
    /// that leaves events behind. So receivers are served in order, one signal after the other.
    pub(super) fn change<T>(&mut self, now: SystemTime, change: impl FnOnce(&mut Subscription) -> T) -> T {
        let before = self.subscription.available();
        self.subscription.tick(now);
        let result = change(&mut self.subscription);
        let after = self.subscription.available();
        if after > 0 && after != before {
            self.signals.ready.notify_one();
        }
        let next = self.subscription.next_due();
        self.signals.due.send_if_modified(|due| std::mem::replace(due, next) != next);
        result
    }
}
