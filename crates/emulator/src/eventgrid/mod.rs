//! Azure Event Grid Namespaces: CloudEvents are published to namespace topics, and pulled from their subscriptions or
//! pushed to webhooks.
//!
//! [`Emulator::eventgrid`](crate::Emulator::eventgrid) returns the handle, [`EventGrid`]. The module shares no wire
//! types with the other services or with a client. They are written from the service's specification and from recorded
//! exchanges, so that a client and this emulator cannot share a mistake.

pub(crate) mod credential;
mod errors;
mod event;
mod lock_token;
mod manage;
pub(crate) mod names;
mod namespace;
mod observer;
mod publish;
mod push;
mod receive;
mod routes;
pub(crate) mod settings;
mod settle;
mod subscription;
mod target;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

use self::namespace::{Namespace, Queue};
pub use self::namespace::{SubscriptionInfo, TopicInfo};
use self::observer::Observer;
pub use self::observer::{DeliveryStep, Observation};
use self::push::{Config, Issuer, Push};
pub use self::push::{PushContent, PushInfo, PushSettings, PushToken};
pub use self::settings::SubscriptionSettings;
pub(crate) use self::subscription::Dead;
pub use self::subscription::{DeadLetter, DeadLetterReason};
use crate::clock::Clock;
use crate::invalid_setting::InvalidSetting;
use crate::journal::Journal;
use crate::keys::KeyPair;
use crate::message::{Request, Response};
use crate::webhook::Trust;

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

struct Inner {
    clock: Clock,
    keys: KeyPair,
    namespace: Mutex<Namespace>,
    journal: Arc<Journal>,
    trust: Trust,
    issuer: Issuer,
    /// Runs the tasks of push subscriptions. `None` if there was no runtime at the start.
    runtime: Option<Handle>,
    /// Whether long polls and deliveries end at once.
    ended: watch::Sender<bool>,
}

/// Omits the state, which contains keys and events.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl EventGrid {
    pub(crate) fn new(clock: Clock, journal: Arc<Journal>) -> Self {
        let [primary, secondary] = credential::KEYS;
        Self(Arc::new(Inner {
            clock,
            keys: KeyPair::new(primary, secondary),
            namespace: Mutex::default(),
            journal,
            trust: Trust::default(),
            issuer: Issuer::default(),
            runtime: Handle::try_current().ok(),
            ended: watch::Sender::new(false),
        }))
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
    /// New settings apply from now on. A lock that is currently held keeps its expiry. A subscription that
    /// [pushes](Self::declare_push) becomes one that is pulled: attempts in flight are completed, and the other events
    /// wait for receivers. Invalid names are treated as in [`declare`](Self::declare).
    pub fn declare_with(&self, topic: &str, subscription: &str, settings: SubscriptionSettings) {
        if names::warn_if_invalid(topic) && names::warn_if_invalid(subscription) {
            let mut namespace = self.namespace();
            let queue = namespace.declare(topic, subscription);
            queue.subscription.settings = settings;
            (queue.subscription.pushes, queue.push) = (false, None);
        }
    }

    /// Creates a subscription whose events are pushed to a webhook, and its topic if necessary.
    ///
    /// The emulator asks the webhook for consent with `OPTIONS`, first at once and then after pauses of 5, 10, 20, 40, and
    /// 60 s. Until the webhook consents, events wait. After that, they are delivered within 30 s per attempt, and retried
    /// 10 s, 30 s, 1 min, and 5 min after the first attempt, and then every 5 min, all by the emulator's clock.
    ///
    /// If the subscription exists, its settings are replaced, and the webhook must consent again. An existing subscription
    /// without push becomes one that pushes, and requests to receive or settle its events get 400.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is invalid, or if the service would reject one of the names. It contains no secret.
    pub fn declare_push(
        &self,
        topic: &str,
        subscription: &str,
        settings: PushSettings,
    ) -> Result<(), InvalidSetting> {
        if let Some(name) = [topic, subscription].into_iter().find(|name| !names::allowed(name)) {
            return Err(InvalidSetting::new(format!("a name must be {}, not '{name}'", names::RULE)));
        }
        let config = Arc::new(Config { checked: settings.check()?, settings });
        let runtime = Handle::try_current().ok().or_else(|| self.0.runtime.clone());
        let runtime =
            runtime.ok_or_else(|| InvalidSetting::new("push subscriptions need a Tokio runtime"))?;
        let mut namespace = self.namespace();
        let queue = namespace.declare(topic, subscription);
        queue.subscription.settings = config.settings.delivery;
        queue.subscription.pushes = true;
        match &mut queue.push {
            Some(push) => {
                (push.validated, push.probation) = (false, Default::default());
                push.config.send_replace(config);
            }
            none => {
                let config = watch::Sender::new(config);
                let changes = config.subscribe();
                *none = Some(Push::new(config));
                runtime.spawn(push::run(self.clone(), topic.to_owned(), subscription.to_owned(), changes));
            }
        }
        Ok(())
    }

    /// Adds certificate authorities, as PEM, that https webhooks may have, in addition to those of the platform.
    ///
    /// # Errors
    ///
    /// Returns an error if the text contains no certificate or an invalid one.
    pub fn trust_webhooks(&self, pem: &str) -> Result<(), InvalidSetting> {
        self.0.trust.add(pem)
    }

    /// Replaces the key that signs the [tokens](PushToken) of deliveries, as a rotation in Microsoft Entra ID does.
    ///
    /// The emulator's key set contains only the new key from now on.
    pub fn rotate_token_key(&self) {
        self.0.issuer.rotate();
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

    /// Returns the events that were rejected, delivered too often, not retried, or too old, oldest first.
    ///
    /// The newest 10,000 (at most 64 MiB) are kept. The list is empty if there is no such subscription.
    pub fn dead_letters(&self, topic: &str, subscription: &str) -> Vec<DeadLetter> {
        let dead: Vec<_> =
            self.inspect(topic, subscription, |queue| queue.subscription.dead().cloned().collect());
        // Only now, because parsing thousands of events must not block the namespace.
        dead.iter().map(Dead::letter).collect()
    }

    /// The newest dead letters, newest first.
    pub(crate) fn newest_dead_letters(&self, topic: &str, subscription: &str, max: usize) -> Vec<Dead> {
        self.inspect(topic, subscription, |queue| {
            queue.subscription.dead().rev().take(max).cloned().collect()
        })
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

    /// Ends all long polls with what they have, and stops all deliveries, because the server stops.
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

    fn journal(&self) -> &Journal {
        &self.0.journal
    }

    fn trust(&self) -> &Trust {
        &self.0.trust
    }

    fn issuer(&self) -> &Issuer {
        &self.0.issuer
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
