//! The section of Event Grid: access keys, and topics with their subscriptions.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::rules::{authorities, checked, within};
use crate::eventgrid::credential::{KEYS, check_key};
use crate::eventgrid::settings::{LOCK_DURATION, MAX_DELIVERY_COUNT, TIME_TO_LIVE};
use crate::eventgrid::{self, PushContent, PushSettings, PushToken, SubscriptionSettings, names};
use crate::invalid_setting::InvalidSetting;

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EventGrid {
    #[serde(deserialize_with = "key")]
    key: Option<String>,
    #[serde(deserialize_with = "key")]
    secondary_key: Option<String>,
    /// The contents of the file.
    #[serde(deserialize_with = "authorities")]
    webhook_ca: Option<String>,
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

/// A subscription. The control API has its name in the path.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(default, deserialize_with = "lock_duration")]
    lock_duration_seconds: Option<u64>,
    #[serde(default, deserialize_with = "max_delivery_count")]
    max_delivery_count: Option<u32>,
    #[serde(default, deserialize_with = "time_to_live")]
    time_to_live_seconds: Option<u64>,
    #[serde(default)]
    push: Option<Push>,
}

/// Checked as a whole, by the rules of the library.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "PushTable")]
struct Push(PushSettings);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushTable {
    url: String,
    origin: Option<String>,
    #[serde(default)]
    content: Content,
    batch: Option<Batch>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    entra_token: Option<EntraToken>,
    hint_headers: Option<bool>,
    #[serde(default)]
    delivery_count_from_one: bool,
    #[serde(default)]
    lenient_retries: bool,
    probation_after: Option<u32>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    #[default]
    Structured,
    Binary,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    max_events: usize,
    preferred_kilobytes: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntraToken {
    tenant: String,
    audience: String,
    application: Option<String>,
    #[serde(default)]
    v2: bool,
    role: Option<bool>,
}

impl EventGrid {
    pub(super) fn arrange(&self, service: &eventgrid::EventGrid) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.update(&Self::default(), service)
    }

    /// Adds other settings, which win.
    pub(super) fn override_with(&mut self, others: &Self) {
        let others = others.clone();
        self.key = others.key.or(self.key.take());
        self.secondary_key = others.secondary_key.or(self.secondary_key.take());
        self.webhook_ca = others.webhook_ca.or(self.webhook_ca.take());
        self.declared_only |= others.declared_only;
        for topic in &mut self.topics {
            let replacing = others.topics.iter().filter(|other| other.name == topic.name);
            let replacing: Vec<_> = replacing.flat_map(|other| &other.subscriptions).collect();
            topic.subscriptions.retain(|own| replacing.iter().all(|other| other.name != own.name));
        }
        self.topics.extend(others.topics);
    }

    /// Changes the service from the settings before. What is no longer declared remains.
    pub(super) fn update(
        &self,
        old: &Self,
        service: &eventgrid::EventGrid,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        // What is no longer set returns to the initial value.
        let initial = |old: &Option<String>, number: usize| old.as_ref().map(|_| KEYS[number].to_owned());
        let primary = self.key.clone().or(initial(&old.key, 0)).unwrap_or_else(|| service.key());
        let secondary = self.secondary_key.clone().or(initial(&old.secondary_key, 1));
        service.set_keys(&primary, &secondary.unwrap_or_else(|| service.secondary_key()))?;
        if let Some(pem) = &self.webhook_ca {
            service.trust_webhooks(pem)?;
        }
        if self.declared_only {
            service.declared_only();
        } else if old.declared_only {
            service.create_on_use();
        }
        for topic in &self.topics {
            service.declare_topic(&topic.name);
            let before =
                old.topics.iter().filter(|old| old.name == topic.name).flat_map(|old| &old.subscriptions);
            let before: Vec<_> = before.collect();
            // The webhook of an unchanged subscription need not consent again.
            for subscription in topic.subscriptions.iter().filter(|one| !before.contains(one)) {
                subscription.declare(service, &topic.name)?;
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
    pub(crate) fn declare(&self, service: &eventgrid::EventGrid, topic: &str) -> Result<(), InvalidSetting> {
        match &self.push {
            Some(Push(push)) => {
                service.declare_push(topic, &self.name, push.clone().delivery(self.settings()))?;
            }
            None => service.declare_with(topic, &self.name, self.settings()),
        }
        Ok(())
    }

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

impl TryFrom<PushTable> for Push {
    type Error = InvalidSetting;

    fn try_from(table: PushTable) -> Result<Self, InvalidSetting> {
        let mut settings = PushSettings::new(table.url)
            .content(match table.content {
                Content::Structured => PushContent::Structured,
                Content::Binary => PushContent::Binary,
            })
            .hint_headers(table.hint_headers.unwrap_or(true))
            .delivery_count_from_one(table.delivery_count_from_one)
            .lenient_retries(table.lenient_retries);
        if let Some(failures) = table.probation_after {
            settings = settings.probation_after(failures);
        }
        if let Some(origin) = table.origin {
            settings = settings.origin(origin);
        }
        if let Some(batch) = table.batch {
            settings = settings.batches(batch.max_events, batch.preferred_kilobytes);
        }
        for (name, value) in table.headers {
            settings = settings.header(name, value);
        }
        if let Some(token) = table.entra_token {
            settings = settings.entra_token(token.into());
        }
        settings.check()?;
        Ok(Self(settings))
    }
}

impl From<EntraToken> for PushToken {
    fn from(table: EntraToken) -> Self {
        let token = Self::new(table.tenant, table.audience).v2(table.v2).role(table.role.unwrap_or(true));
        match table.application {
            Some(id) => token.application(id),
            None => token,
        }
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
