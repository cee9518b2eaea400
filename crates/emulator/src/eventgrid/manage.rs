//! What a test removes from the namespace and publishes to it again.

use serde_json::Value;

use super::{EventGrid, credential, publish};
use crate::invalid_setting::InvalidSetting;

/// Removes topics and subscriptions, and publishes dead letters again.
impl EventGrid {
    /// Removes a topic with its subscriptions and their events. Returns `false` if there is no such topic.
    ///
    /// Pending receives return an empty response, and deliveries to webhooks end. Unless creation on use is
    /// [disabled](Self::declared_only), the next request to the topic creates it again.
    pub fn remove_topic(&self, topic: &str) -> bool {
        self.namespace().remove_topic(topic)
    }

    /// Removes a subscription with its events and dead letters, as [`remove_topic`](Self::remove_topic) does. Returns
    /// `false` if there is no such subscription.
    pub fn remove_subscription(&self, topic: &str, subscription: &str) -> bool {
        self.namespace().remove(topic, subscription)
    }

    /// Publishes all dead letters of a subscription again, to this subscription only and oldest first. Returns their
    /// number.
    ///
    /// They are new events: their deliveries and their time to live start again. If the subscription becomes full, the
    /// remaining ones are kept. Returns 0 if there is no such subscription.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use service_emulator::Emulator;
    ///
    /// let emulator = Emulator::start().await?;
    /// let grid = emulator.eventgrid();
    /// grid.declare("orders", "billing");
    /// // The code under test rejects events here.
    /// let resubmitted = grid.resubmit_dead_letters("orders", "billing");
    /// assert_eq!(grid.waiting("orders", "billing"), resubmitted);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resubmit_dead_letters(&self, topic: &str, subscription: &str) -> usize {
        self.resubmit(topic, subscription, |_| true)
    }

    /// Publishes a dead letter with this [`sequence`](super::DeadLetter::sequence) again, as
    /// [`resubmit_dead_letters`](Self::resubmit_dead_letters) does. Returns `false` if there is no such dead letter, or no
    /// room.
    pub fn resubmit_dead_letter(&self, topic: &str, subscription: &str, sequence: u64) -> bool {
        self.resubmit(topic, subscription, |other| other == sequence) > 0
    }

    /// Publishes an event, checked as one in the JSON format that a request contains.
    ///
    /// # Errors
    ///
    /// Returns an error if the service would reject the event or the name of the topic, or if a subscription is full.
    pub fn publish(&self, topic: &str, event: Value) -> Result<(), InvalidSetting> {
        publish::publish_value(self, topic, event)
            .map_err(|rejection| InvalidSetting::new(rejection.message()))
    }

    /// Reverts [`declared_only`](Self::declared_only).
    pub(crate) fn create_on_use(&self) {
        self.namespace().create_on_use = true;
    }

    /// Removes everything that requests and settings have added.
    pub(crate) fn reset(&self) {
        let [primary, secondary] = credential::KEYS;
        self.0.keys.set(primary, secondary);
        self.namespace().clear();
    }

    fn resubmit(&self, topic: &str, subscription: &str, picked: impl Fn(u64) -> bool) -> usize {
        let now = self.0.clock.now();
        let mut namespace = self.namespace();
        let Some(queue) = namespace.find(topic, subscription) else { return 0 };
        queue.change(now, |held| held.resubmit(picked, now))
    }
}
