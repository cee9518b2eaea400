//! Azure Event Grid Namespaces: CloudEvents are published to namespace topics and pulled from their subscriptions.
//!
//! [`Emulator::eventgrid`](crate::Emulator::eventgrid) returns the handle, [`EventGrid`]. The module shares no wire
//! types with the other services or with a client. They are written from the service's specification and from recorded
//! exchanges, so that a client and this emulator cannot share a mistake.

pub(crate) mod credential;
mod errors;
mod event;
mod lock_token;
pub(crate) mod names;
mod namespace;
mod observer;
mod publish;
mod receive;
mod routes;
pub(crate) mod settings;
mod settle;
mod subscription;
mod target;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use self::namespace::{Namespace, Queue};
pub use self::namespace::{SubscriptionInfo, TopicInfo};
use self::observer::Observer;
pub use self::observer::{DeliveryStep, Observation};
pub use self::settings::SubscriptionSettings;
pub use self::subscription::{DeadLetter, DeadLetterReason};
use crate::clock::Clock;
use crate::invalid_setting::InvalidSetting;
use crate::keys::KeyPair;
use crate::message::{Request, Response};

/// A handle that configures and inspects the emulated namespace. All clones share the same namespace.
///
/// Topics and subscriptions are created when they are declared or first used. As in the service, a subscription
/// receives only events that are published after its creation: [`declare`](Self::declare) it before you publish.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use service_emulator::Emulator;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = Emulator::start().await?;
/// let grid = emulator.eventgrid();
/// grid.declare("orders", "billing");
/// // From now on, a request to a misspelled topic or subscription yields 404.
/// grid.declared_only();
///
/// // The code under test publishes and receives here. Then the test inspects what is left.
/// emulator.clock().advance(Duration::from_secs(60));
/// assert_eq!(grid.waiting("orders", "billing"), 0);
/// assert_eq!(grid.locked("orders", "billing"), 0);
/// assert!(grid.dead_letters("orders", "billing").is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventGrid(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    keys: KeyPair,
    namespace: Mutex<Namespace>,
    /// Whether long polls end at once.
    ended: watch::Sender<bool>,
}

impl EventGrid {
    pub(crate) fn new(clock: Clock) -> Self {
        let [primary, secondary] = credential::KEYS;
        let keys = KeyPair::new(primary, secondary);
        Self(Arc::new(Inner { clock, keys, namespace: Mutex::default(), ended: watch::Sender::new(false) }))
    }

    /// Returns the primary access key, for `Authorization: SharedAccessKey <key>` and for signing shared access
    /// signatures.
    pub fn key(&self) -> String {
        self.keys()[0].clone()
    }

    /// Returns the secondary access key. It permits the same as the primary one, so that keys can be rotated one at a
    /// time.
    pub fn secondary_key(&self) -> String {
        self.keys()[1].clone()
    }

    /// Replaces both access keys, as regenerating them in the service does. Requests with the old keys are rejected
    /// from now on.
    ///
    /// # Errors
    ///
    /// Returns an error if a key is not the base64 text of 16 to 128 bytes. In that case, neither key is changed.
    pub fn set_keys(&self, primary: &str, secondary: &str) -> Result<(), InvalidSetting> {
        credential::check_key(primary)?;
        credential::check_key(secondary)?;
        self.0.keys.set(primary, secondary);
        Ok(())
    }

    /// Returns a token for `Authorization: Bearer <token>`, in the form that an identity service issues. It is valid
    /// for an hour on the emulator's clock.
    pub fn bearer_token(&self) -> String {
        credential::token(self.0.clock.now())
    }

    /// Creates a topic without subscriptions. As in the service, events that are published to it are dropped. Does
    /// nothing if the topic exists.
    ///
    /// A name that the service would reject (it must be 3 to 50 letters, digits, and `-`) is not declared, and a
    /// warning is logged.
    pub fn declare_topic(&self, topic: &str) {
        if names::warn_if_invalid(topic) {
            self.namespace().declare_topic(topic);
        }
    }

    /// Creates a subscription with the service's default settings, and its topic if necessary. Does nothing if the
    /// subscription exists.
    ///
    /// A name that the service would reject (it must be 3 to 50 letters, digits, and `-`) is not declared, and a
    /// warning is logged.
    pub fn declare(&self, topic: &str, subscription: &str) {
        if names::warn_if_invalid(topic) && names::warn_if_invalid(subscription) {
            self.namespace().declare(topic, subscription);
        }
    }

    /// Creates a subscription with these settings, and its topic if necessary. Changes the settings if it exists.
    ///
    /// New settings apply from now on. A lock that is currently held keeps its expiry. Invalid names are treated as in
    /// [`declare`](Self::declare).
    pub fn declare_with(&self, topic: &str, subscription: &str, settings: SubscriptionSettings) {
        if names::warn_if_invalid(topic) && names::warn_if_invalid(subscription) {
            self.namespace().declare(topic, subscription).subscription.settings = settings;
        }
    }

    /// Disables creation on use: from now on, a request to a topic or subscription that was not declared yields 404.
    ///
    /// What already exists remains.
    pub fn declared_only(&self) {
        self.namespace().create_on_use = false;
    }

    /// Returns all topics with their subscriptions at this moment, sorted by name.
    pub fn topics(&self) -> Vec<TopicInfo> {
        let now = self.0.clock.now();
        self.namespace().topics(now)
    }

    /// Returns the number of events of a subscription that are not locked: those available now and those released with
    /// a delay.
    ///
    /// Returns 0 if there is no such subscription.
    pub fn waiting(&self, topic: &str, subscription: &str) -> usize {
        self.inspect(topic, subscription, |queue| queue.subscription.waiting())
    }

    /// Returns the number of events of a subscription that are locked by a receiver.
    ///
    /// Returns 0 if there is no such subscription.
    pub fn locked(&self, topic: &str, subscription: &str) -> usize {
        self.inspect(topic, subscription, |queue| queue.subscription.locked())
    }

    /// Returns the events that were rejected, delivered too often, or too old, oldest first.
    ///
    /// The newest 10,000 (at most 64 MiB) are kept. The list is empty if there is no such subscription.
    pub fn dead_letters(&self, topic: &str, subscription: &str) -> Vec<DeadLetter> {
        self.inspect(topic, subscription, |queue| queue.subscription.dead_letters())
    }

    /// Calls a function with each step of every delivery of a subscription from now on, in the order in which they happen.
    ///
    /// A step is reported before the response to the request that caused it. The subscription is created if necessary. A
    /// second call replaces the function. The function must not block, and must not call this handle.
    pub fn observe(
        &self,
        topic: &str,
        subscription: &str,
        observer: impl Fn(&Observation<'_>) + Send + Sync + 'static,
    ) {
        if names::warn_if_invalid(topic) && names::warn_if_invalid(subscription) {
            self.namespace().declare(topic, subscription).subscription.observer = Observer::new(observer);
        }
    }

    /// Ends all long polls with what they have, because the server stops.
    pub(crate) fn end(&self) {
        self.0.ended.send_replace(true);
    }

    pub(crate) async fn respond(&self, request: &Request) -> Response {
        match routes::respond(self, request).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(self.0.clock.now()),
        }
    }

    fn keys(&self) -> Arc<[String; 2]> {
        self.0.keys.both()
    }

    /// Changes to `true` when long polls must end.
    fn ended(&self) -> watch::Receiver<bool> {
        self.0.ended.subscribe()
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn namespace(&self) -> MutexGuard<'_, Namespace> {
        self.0.namespace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a subscription at this moment. One that does not exist is empty.
    fn inspect<T: Default>(&self, topic: &str, subscription: &str, look: impl FnOnce(&Queue) -> T) -> T {
        let now = self.0.clock.now();
        let mut namespace = self.namespace();
        let Some(queue) = namespace.find(topic, subscription) else { return T::default() };
        queue.change(now, |_| ());
        look(queue)
    }
}
