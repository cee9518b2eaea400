//! The section of Web PubSub: access keys, and hubs with their event handlers.

mod preview_limits;

use std::error::Error;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use preview_limits::Limits;

use super::rules::{authorities, checked, within};
use crate::webpubsub::{self, EntraTokens, EventHandlerSettings, KEYS, SystemEvent, UserEvents, check_key};

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebPubSub {
    #[serde(deserialize_with = "access_key")]
    access_key: Option<String>,
    #[serde(deserialize_with = "access_key")]
    secondary_access_key: Option<String>,
    entra: Option<Entra>,
    #[serde(deserialize_with = "ack_delay")]
    ack_delay_ms: Option<u64>,
    /// The contents of the file.
    #[serde(deserialize_with = "authorities")]
    event_handler_ca: Option<String>,
    preview_limits: Option<Limits>,
    hubs: Vec<Hub>,
}

/// Checked as a whole: whether a URL is valid depends on the name of the hub, which may be a part of it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "HubTable")]
pub(crate) struct Hub {
    name: String,
    allow_anonymous: bool,
    event_handlers: Vec<EventHandlerSettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubTable {
    name: String,
    #[serde(default)]
    allow_anonymous: bool,
    #[serde(default)]
    event_handlers: Vec<EventHandler>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventHandler {
    url: String,
    #[serde(default)]
    system_events: Vec<SystemEventName>,
    #[serde(default = "all", deserialize_with = "user_events")]
    user_events: UserEvents,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Entra {
    Unvalidated,
    Strict,
}

/// Named as in the service's portal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum SystemEventName {
    Connect,
    Connected,
    Disconnected,
    GroupJoined,
    GroupLeft,
}

impl WebPubSub {
    pub(super) fn arrange(&self, service: &webpubsub::WebPubSub) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.set_up(&Self::default(), service)?;
        for hub in &self.hubs {
            service.allow_anonymous(&hub.name, hub.allow_anonymous)?;
            for handler in &hub.event_handlers {
                service.event_handler(&hub.name, handler.clone())?;
            }
        }
        Ok(())
    }

    /// Changes the service from the settings before.
    pub(super) fn update(
        &self,
        old: &Self,
        service: &webpubsub::WebPubSub,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.set_up(old, service)?;
        let named = |name: &str| self.hubs.iter().any(|hub| hub.name.eq_ignore_ascii_case(name));
        for hub in old.hubs.iter().filter(|hub| !named(&hub.name)) {
            service.remove_hub_settings(&hub.name);
        }
        self.merged_hubs().iter().try_for_each(|hub| hub.declare(service))
    }

    /// Adds other settings, which win.
    pub(super) fn override_with(&mut self, others: &Self) {
        let others = others.clone();
        self.access_key = others.access_key.or(self.access_key.take());
        self.secondary_access_key = others.secondary_access_key.or(self.secondary_access_key.take());
        self.entra = others.entra.or(self.entra);
        self.ack_delay_ms = others.ack_delay_ms.or(self.ack_delay_ms);
        self.event_handler_ca = others.event_handler_ca.or(self.event_handler_ca.take());
        self.preview_limits = others.preview_limits.or(self.preview_limits);
        self.hubs.extend(others.hubs);
    }

    /// The hubs, each once: as at the start, handlers of several tables of a hub are joined, and the last table decides
    /// about anonymous clients.
    fn merged_hubs(&self) -> Vec<Hub> {
        let mut merged: Vec<Hub> = Vec::new();
        for hub in &self.hubs {
            match merged.iter_mut().find(|other| other.name.eq_ignore_ascii_case(&hub.name)) {
                Some(other) => {
                    other.allow_anonymous = hub.allow_anonymous;
                    other.event_handlers.extend_from_slice(&hub.event_handlers);
                }
                None => merged.push(hub.clone()),
            }
        }
        merged
    }

    /// What is no longer set returns to the initial value.
    fn set_up(&self, old: &Self, service: &webpubsub::WebPubSub) -> Result<(), Box<dyn Error + Send + Sync>> {
        let initial = |old: &Option<String>, number: usize| old.as_ref().map(|_| KEYS[number].to_owned());
        let primary = self.access_key.clone().or(initial(&old.access_key, 0));
        let secondary = self.secondary_access_key.clone().or(initial(&old.secondary_access_key, 1));
        service.set_access_keys(
            &primary.unwrap_or_else(|| service.access_key()),
            &secondary.unwrap_or_else(|| service.secondary_access_key()),
        )?;
        if let Some(delay) = self.ack_delay_ms {
            service.set_ack_delay(Duration::from_millis(delay));
        }
        if let Some(entra) = self.entra.map(EntraTokens::from).or(old.entra.map(|_| EntraTokens::default())) {
            service.set_entra_tokens(entra);
        }
        if let Some(pem) = &self.event_handler_ca {
            service.trust_event_handlers(pem)?;
        }
        if let Some(limits) = self.preview_limits.or(old.preview_limits.map(|_| Limits::default())) {
            service.set_preview_limits(limits.into());
        }
        Ok(())
    }
}

impl Hub {
    /// Replaces the settings of the hub.
    pub(crate) fn declare(&self, service: &webpubsub::WebPubSub) -> Result<(), Box<dyn Error + Send + Sync>> {
        service.set_event_handlers(&self.name, self.event_handlers.clone())?;
        service.allow_anonymous(&self.name, self.allow_anonymous)?;
        Ok(())
    }
}

impl std::fmt::Debug for WebPubSub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebPubSub").field("hubs", &self.hubs).finish_non_exhaustive()
    }
}

impl TryFrom<HubTable> for Hub {
    type Error = String;

    fn try_from(table: HubTable) -> Result<Self, String> {
        let event_handlers: Vec<_> =
            table.event_handlers.into_iter().map(EventHandlerSettings::from).collect();
        // A hub without handlers consists of its name only, and the name must be valid as well.
        EventHandlerSettings::new("http://localhost/").check(&table.name).map_err(|e| e.to_string())?;
        for handler in &event_handlers {
            handler.check(&table.name).map_err(|error| error.to_string())?;
        }
        Ok(Self { name: table.name, allow_anonymous: table.allow_anonymous, event_handlers })
    }
}

impl From<EventHandler> for EventHandlerSettings {
    fn from(table: EventHandler) -> Self {
        Self::new(table.url)
            .system_events(table.system_events.into_iter().map(SystemEvent::from))
            .user_events(table.user_events)
    }
}

impl From<Entra> for EntraTokens {
    fn from(entra: Entra) -> Self {
        match entra {
            Entra::Unvalidated => Self::Unvalidated,
            Entra::Strict => Self::Strict,
        }
    }
}

impl From<SystemEventName> for SystemEvent {
    fn from(name: SystemEventName) -> Self {
        match name {
            SystemEventName::Connect => Self::Connect,
            SystemEventName::Connected => Self::Connected,
            SystemEventName::Disconnected => Self::Disconnected,
            SystemEventName::GroupJoined => Self::GroupJoined,
            SystemEventName::GroupLeft => Self::GroupLeft,
        }
    }
}

/// At most a minute.
fn ack_delay<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    within(deserializer, &(0..=60_000)).map(Some)
}

fn all() -> UserEvents {
    UserEvents::All
}

/// Reads `"all"`, `"none"`, or a list of names.
fn user_events<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UserEvents, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Word(String),
        Names(Vec<String>),
    }
    match Given::deserialize(deserializer) {
        Ok(Given::Word(word)) if word == "all" => Ok(UserEvents::All),
        Ok(Given::Word(word)) if word == "none" => Ok(UserEvents::None),
        Ok(Given::Names(names)) => Ok(UserEvents::Only(names)),
        _ => Err(D::Error::custom("must be \"all\", \"none\", or a list of names")),
    }
}

fn access_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |key: &String| check_key(key)).map(Some)
}
