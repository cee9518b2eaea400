//! The calls to event handlers: which handler receives an event, whether its address may be called, and the link
//! between each connection and its handlers.

mod connect;
mod cookies;
mod headers;
mod link;
mod settings;
mod validation;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;

pub(super) use connect::{ConnectRequest, Decision};
pub(super) use link::{Link, Notice, Outcome};
use settings::Event;
pub use settings::{EventHandlerSettings, InvalidEventHandler, SystemEvent, UserEvents};
use validation::Validations;

use super::token::Keys;
use crate::clock::Clock;
use crate::invalid_setting::InvalidSetting;
use crate::journal::{self, Journal};
use crate::message::Service;
use crate::webhook::{self, NoResponse, Outgoing, Trust};

/// The pauses before the second, third, and fourth attempt of a call.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(5)];

/// The event handlers of all hubs.
#[derive(Debug)]
pub(super) struct Upstream {
    clock: Clock,
    keys: Arc<Keys>,
    journal: Arc<Journal>,
    handlers: Mutex<HashMap<String, Vec<Arc<EventHandlerSettings>>>>,
    validations: Validations,
    trust: Trust,
}

impl Upstream {
    pub(super) fn new(clock: Clock, keys: Arc<Keys>, journal: Arc<Journal>) -> Self {
        let (handlers, validations, trust) = (Mutex::default(), Validations::default(), Trust::default());
        Self { clock, keys, journal, handlers, validations, trust }
    }

    /// Adds certificate authorities for https handlers, as PEM.
    pub(super) fn trust(&self, pem: &str) -> Result<(), InvalidSetting> {
        self.trust.add(pem)
    }

    /// Adds a handler after the existing ones of the hub.
    pub(super) fn add(&self, hub: &str, settings: EventHandlerSettings) -> Result<(), InvalidEventHandler> {
        settings.check(hub)?;
        let mut handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        handlers.entry(hub.to_ascii_lowercase()).or_default().push(Arc::new(settings));
        Ok(())
    }

    /// Replaces the handlers of a hub.
    pub(super) fn set(
        &self,
        hub: &str,
        settings: Vec<EventHandlerSettings>,
    ) -> Result<(), InvalidEventHandler> {
        settings.iter().try_for_each(|settings| settings.check(hub))?;
        let settings: Vec<_> = settings.into_iter().map(Arc::new).collect();
        let mut handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        let hub = hub.to_ascii_lowercase();
        if settings.is_empty() {
            handlers.remove(&hub)
        } else {
            handlers.insert(hub, settings)
        };
        Ok(())
    }

    /// The handlers of each hub that has any, by its name in lower case.
    pub(super) fn all(&self) -> HashMap<String, Vec<Arc<EventHandlerSettings>>> {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes all handlers of a hub.
    pub(super) fn clear(&self, hub: &str) {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner).remove(&hub.to_ascii_lowercase());
    }

    /// The first handler of the hub that accepts the event.
    fn handler(&self, hub: &str, event: Event<'_>) -> Option<Arc<EventHandlerSettings>> {
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        handlers.get(&hub.to_ascii_lowercase())?.iter().find(|handler| handler.accepts(event)).cloned()
    }

    /// Calls an address until an attempt has a lasting outcome, within the limit. All attempts send the same.
    async fn call(
        &self,
        limit: Duration,
        subject: &str,
        request: Outgoing<'_>,
    ) -> Result<Response<Bytes>, NoResponse> {
        let deadline = self.clock.now() + limit;
        for (attempt, pause) in (1..).zip(PAUSES) {
            let outcome = self.attempt(deadline, subject, attempt, Some(pause), request.clone()).await;
            match outcome {
                (_, Some(next)) => self.clock.sleep_until(next).await,
                (outcome, None) => return outcome,
            }
        }
        self.attempt(deadline, subject, PAUSES.len() + 1, None, request).await.0
    }

    /// Calls an address once and records that in the journal. Returns the time of the next attempt if there is one.
    async fn attempt(
        &self,
        deadline: SystemTime,
        subject: &str,
        attempt: usize,
        pause: Option<Duration>,
        request: Outgoing<'_>,
    ) -> (Result<Response<Bytes>, NoResponse>, Option<SystemTime>) {
        let mut pending = self.journal.begin("HOOK", &request.target.url_without_query());
        pending.of(Some(Service::WebPubSub));
        pending.note(&format!("{} {subject}, attempt {attempt}", request.method));
        let outcome = webhook::call(&self.clock, deadline, &self.trust, request).await;
        let transient = webhook::is_transient(&outcome);
        // Before the attempt is recorded: who advances the clock once it is must not miss the next one.
        let next = pause.filter(|_| transient).map(|pause| self.clock.now() + pause);
        match &outcome {
            Ok(response) => pending.end(journal::Outcome::Status(response.status().as_u16())),
            // Dropping `pending` records that there was no response.
            Err(error) => pending.note(&format!("({error})")),
        }
        (outcome, next.filter(|next| *next < deadline))
    }

    /// Records in the journal that an event reached no handler.
    fn record_uncalled(&self, hub: &str, subject: &str, why: &str) {
        let mut pending = self.journal.begin("HOOK", &format!("/client/hubs/{hub}"));
        pending.of(Some(Service::WebPubSub));
        pending.note(&format!("{subject} ({why})"));
        pending.end(journal::Outcome::Word("none"));
    }
}
