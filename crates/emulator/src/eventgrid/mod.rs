//! Azure Event Grid Namespaces: CloudEvents published to namespace topics and pulled from their subscriptions.
//!
//! Apart from the other services, with its own wire types, written from the service's description and from recorded
//! exchanges with it, so that a client and this emulator cannot share a mistake.

pub(crate) mod credential;
mod errors;
mod event;
mod lock_token;
pub(crate) mod names;
mod namespace;
mod publish;
mod receive;
mod routes;
pub(crate) mod settings;
mod settle;
mod subscription;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::namespace::{Namespace, Queue};
pub use self::namespace::{SubscriptionInfo, TopicInfo};
pub use self::settings::SubscriptionSettings;
pub use self::subscription::{DeadLetter, DeadLetterReason};
use crate::clock::Clock;
use crate::invalid_setting::InvalidSetting;
use crate::keys::KeyPair;
use crate::server::{Reply, Request};

/// The emulated namespace: what stands in it, and what a test may arrange or look at. Clones share one namespace.
///
/// Topics and subscriptions come into being when they are declared or first used. As in the service, a subscription
/// holds the events that were published after it was made: [`declare`](Self::declare) it before publishing.
#[derive(Clone, Debug)]
pub struct EventGrid(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    keys: KeyPair,
    namespace: Mutex<Namespace>,
}

impl EventGrid {
    pub(crate) fn new(clock: Clock) -> Self {
        let [primary, secondary] = credential::KEYS;
        let keys = KeyPair::new(primary, secondary);
        Self(Arc::new(Inner { clock, keys, namespace: Mutex::default() }))
    }

    /// The namespace's access key, for `Authorization: SharedAccessKey <key>` and for signing shared access signatures.
    pub fn key(&self) -> String {
        self.keys()[0].clone()
    }

    /// The other access key, which is good for the same, so that keys can be changed one after the other.
    pub fn secondary_key(&self) -> String {
        self.keys()[1].clone()
    }

    /// Changes both access keys, as regenerating them does: requests with the old ones are refused from now on.
    ///
    /// # Errors
    /// When a key is not the base64 text of 16 to 128 bytes. Then neither is changed.
    pub fn set_keys(&self, primary: &str, secondary: &str) -> Result<(), InvalidSetting> {
        credential::check_key(primary)?;
        credential::check_key(secondary)?;
        self.0.keys.set(primary, secondary);
        Ok(())
    }

    /// A token as an identity service gives them out, for `Authorization: Bearer <token>`; good for an hour of the
    /// emulator's time.
    pub fn bearer_token(&self) -> String {
        credential::token(self.0.clock.now())
    }

    /// Makes a topic without subscriptions. What is published to it is dropped, as in the service.
    ///
    /// A name that the service would refuse (3 to 50 letters, digits and `-`) is not declared, and a warning is logged.
    pub fn declare_topic(&self, topic: &str) {
        if names::warn_if_refused(topic) {
            self.namespace().declare_topic(topic);
        }
    }

    /// Makes a subscription, and its topic, with the service's default settings. One that exists stays as it is.
    ///
    /// A name that the service would refuse (3 to 50 letters, digits and `-`) is not declared, and a warning is logged.
    pub fn declare(&self, topic: &str, subscription: &str) {
        if names::warn_if_refused(topic) && names::warn_if_refused(subscription) {
            self.namespace().declare(topic, subscription);
        }
    }

    /// Makes a subscription with these settings, or gives them to one that exists: they rule what happens from now on,
    /// while a lock that is held keeps its end.
    pub fn declare_with(&self, topic: &str, subscription: &str, settings: SubscriptionSettings) {
        if names::warn_if_refused(topic) && names::warn_if_refused(subscription) {
            self.namespace().declare(topic, subscription).subscription.settings = settings;
        }
    }

    /// From now on nothing is created on use: what was not declared is answered with `404`.
    pub fn declared_only(&self) {
        self.namespace().create_on_use = false;
    }

    /// The topics and their subscriptions as they stand at this moment, in the order of their names.
    pub fn topics(&self) -> Vec<TopicInfo> {
        let now = self.0.clock.now();
        self.namespace().topics(now)
    }

    /// How many events of the subscription are not locked: available now, or released with a delay.
    pub fn waiting(&self, topic: &str, subscription: &str) -> usize {
        self.inspect(topic, subscription, |queue| queue.subscription.waiting())
    }

    /// How many events of the subscription are locked by a receiver.
    pub fn locked(&self, topic: &str, subscription: &str) -> usize {
        self.inspect(topic, subscription, |queue| queue.subscription.locked())
    }

    /// The events that were rejected, delivered too often or too old, oldest first. The newest 10,000 (64 MiB) are kept.
    pub fn dead_letters(&self, topic: &str, subscription: &str) -> Vec<DeadLetter> {
        self.inspect(topic, subscription, |queue| queue.subscription.dead_letters())
    }

    pub(crate) async fn answer(&self, request: &Request) -> Reply {
        match routes::serve(self, request).await {
            Ok(reply) => reply,
            Err(failure) => failure.into_reply(self.0.clock.now()),
        }
    }

    fn keys(&self) -> Arc<[String; 2]> {
        self.0.keys.both()
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn namespace(&self) -> MutexGuard<'_, Namespace> {
        self.0.namespace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a subscription as it stands at this moment; one that does not exist is empty.
    fn inspect<T: Default>(&self, topic: &str, subscription: &str, look: impl FnOnce(&Queue) -> T) -> T {
        let now = self.0.clock.now();
        let mut namespace = self.namespace();
        let Some(queue) = namespace.find(topic, subscription) else { return T::default() };
        queue.change(now, |_| ());
        look(queue)
    }
}
