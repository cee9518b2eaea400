//! The calls to event handlers: which handler receives an event, whether its address may be called, and the link
//! between each connection and its handlers.

mod call;
mod connect;
mod headers;
mod link;
mod settings;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use tokio::sync::Mutex as AsyncMutex;

pub(super) use connect::{ConnectRequest, Decision};
pub(super) use link::{Link, Notice, Outcome};
use settings::Event;
pub use settings::{EventHandlerSettings, InvalidEventHandler, SystemEvent, UserEvents};

use super::token::Keys;
use crate::clock::Clock;
use crate::journal::{self, Journal};
use crate::message::Service;

/// How long the result of a check is valid, including a failed one.
const CHECK_VALIDITY: Duration = Duration::from_secs(60);
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The event handlers of all hubs.
#[derive(Debug)]
pub(super) struct Upstream {
    clock: Clock,
    /// The name by which the service identifies itself.
    origin: String,
    keys: Arc<Keys>,
    journal: Arc<Journal>,
    handlers: Mutex<HashMap<String, Vec<Arc<EventHandlerSettings>>>>,
    checks: Mutex<HashMap<settings::Target, Arc<Check>>>,
}

/// The last check of an address: its time and result. Locked during a check, so that only one runs at a time.
type Check = AsyncMutex<Option<(SystemTime, bool)>>;

impl Upstream {
    pub(super) fn new(clock: Clock, address: SocketAddr, keys: Arc<Keys>, journal: Arc<Journal>) -> Self {
        let origin = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        Self { clock, origin, keys, journal, handlers: Mutex::default(), checks: Mutex::default() }
    }

    /// Adds a handler after the existing ones of the hub.
    pub(super) fn add(&self, hub: &str, settings: EventHandlerSettings) -> Result<(), InvalidEventHandler> {
        settings.check(hub)?;
        let mut handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        handlers.entry(hub.to_ascii_lowercase()).or_default().push(Arc::new(settings));
        Ok(())
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

    /// Whether the handler's address allows this service to call it (event handler, section 2).
    async fn may_call(&self, hub: &str, handler: &EventHandlerSettings) -> bool {
        let Ok(target) = handler.check_target(hub) else { return false };
        let check = {
            let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(checks.entry(target.clone()).or_default())
        };
        let mut last = check.lock().await;
        let now = self.clock.now();
        if let Some((_, allowed)) = last.filter(|(at, _)| *at + CHECK_VALIDITY > now) {
            return allowed;
        }
        let allowed = self.check(&target).await;
        *last = Some((self.clock.now(), allowed));
        allowed
    }

    async fn check(&self, target: &settings::Target) -> bool {
        let headers = headers::check(&self.origin);
        match self.call(CHECK_TIMEOUT, target, Method::OPTIONS, headers, Bytes::new()).await {
            Ok(response) if response.status().is_success() => {
                let allowed = headers::allows(response.headers(), &self.origin);
                if !allowed {
                    tracing::warn!(origin = self.origin, "an event handler does not allow this origin");
                }
                allowed
            }
            Ok(response) => {
                tracing::warn!(status = response.status().as_u16(), "an event handler failed its check");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "an event handler could not be checked");
                false
            }
        }
    }

    /// Calls an address and records the call in the journal.
    async fn call(
        &self,
        limit: Duration,
        target: &settings::Target,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, call::NoResponse> {
        let mut pending = self.journal.begin("HOOK", &target.url_without_query());
        pending.of(Some(Service::WebPubSub));
        pending.note(method.as_str());
        let response = call::call(&self.clock, limit, target, method, headers, body).await;
        match &response {
            Ok(response) => pending.end(journal::Outcome::Status(response.status().as_u16())),
            // Dropping `pending` records that there was no response.
            Err(error) => pending.note(&error.to_string()),
        }
        response
    }

    /// The header that identifies the caller.
    fn origin(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.origin).ok()
    }
}
