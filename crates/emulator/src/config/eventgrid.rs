//! The section of Event Grid: access keys, and topics with their subscriptions.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::rules::{checked, within};
use crate::eventgrid::credential::check_key;
use crate::eventgrid::settings::{LOCK_DURATION, MAX_DELIVERY_COUNT, TIME_TO_LIVE};
use crate::eventgrid::{self, SubscriptionSettings, names};

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EventGrid {
    #[serde(deserialize_with = "key")]
    key: Option<String>,
    #[serde(deserialize_with = "key")]
    secondary_key: Option<String>,
    declared_only: bool,
    topics: Vec<Topic>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Topic {
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(default)]
    subscriptions: Vec<Subscription>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(default, deserialize_with = "lock_duration")]
    lock_duration_seconds: Option<u64>,
    #[serde(default, deserialize_with = "max_delivery_count")]
    max_delivery_count: Option<u32>,
    #[serde(default, deserialize_with = "time_to_live")]
    time_to_live_seconds: Option<u64>,
}

impl EventGrid {
    pub(super) fn arrange(&self, service: &eventgrid::EventGrid) -> Result<(), Box<dyn Error + Send + Sync>> {
        let primary = self.key.clone().unwrap_or_else(|| service.key());
        let secondary = self.secondary_key.clone().unwrap_or_else(|| service.secondary_key());
        service.set_keys(&primary, &secondary)?;
        if self.declared_only {
            service.declared_only();
        }
        for topic in &self.topics {
            service.declare_topic(&topic.name);
            for subscription in &topic.subscriptions {
                service.declare_with(&topic.name, &subscription.name, subscription.settings());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for EventGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventGrid").field("topics", &self.topics).finish_non_exhaustive()
    }
}

impl Subscription {
    fn settings(&self) -> SubscriptionSettings {
        let mut settings = SubscriptionSettings::default();
        if let Some(seconds) = self.lock_duration_seconds {
            settings = settings.lock_duration(Duration::from_secs(seconds));
        }
        if let Some(count) = self.max_delivery_count {
            settings = settings.max_delivery_count(count);
        }
        if let Some(seconds) = self.time_to_live_seconds {
            settings = settings.time_to_live(Duration::from_secs(seconds));
        }
        settings
    }
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |key: &String| check_key(key)).map(Some)
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |name: &String| {
        if names::allowed(name) { Ok(()) } else { Err(format!("must be {}, not '{name}'", names::RULE)) }
    })
}

fn lock_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    within(deserializer, &LOCK_DURATION).map(Some)
}

fn max_delivery_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within(deserializer, &MAX_DELIVERY_COUNT).map(Some)
}

fn time_to_live<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    within(deserializer, &TIME_TO_LIVE).map(Some)
}
