//! The task of a push subscription: it obtains the webhook's consent, then sends what is available, several requests at a
//! time, until the emulator stops.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Response};
use tokio::sync::watch;

use super::outcome::failure;
use super::{Config, Failure, request};
use crate::eventgrid::EventGrid;
use crate::eventgrid::lock_token::LockToken;
use crate::eventgrid::namespace::{Queue, Signals};
use crate::eventgrid::subscription::Delivery;
use crate::journal::{self, Pending};
use crate::message::Service;
use crate::webhook::{self, NoResponse, Outgoing};

/// How long the service waits for a response.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a late response is still read, so that a webhook can complete what it has begun.
const LATE_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// The pause after the first failed handshake. It doubles up to a minute.
const PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// A bound of the emulator.
const MAX_IN_FLIGHT: usize = 16;

/// Delivers until the emulator stops.
pub(in crate::eventgrid) async fn run(
    grid: EventGrid,
    topic: String,
    subscription: String,
    config: watch::Receiver<Arc<Config>>,
) {
    let mut ended = grid.ended();
    let dispatcher = Dispatcher { grid, topic, subscription };
    tokio::select! {
        biased;
        _ = ended.wait_for(|ended| *ended) => {}
        () = dispatcher.dispatch(config) => {}
    }
}

struct Dispatcher {
    grid: EventGrid,
    topic: String,
    subscription: String,
}

impl Dispatcher {
    async fn dispatch(&self, mut changes: watch::Receiver<Arc<Config>>) {
        // Until the subscription is removed.
        while changes.has_changed().is_ok() {
            let config = Arc::clone(&changes.borrow_and_update());
            if self.validate(&config, &mut changes).await {
                self.deliver(&config, &mut changes).await;
            }
        }
    }

    /// Asks for consent until there is one. Returns `false` if the settings have changed.
    async fn validate(&self, config: &Config, changes: &mut watch::Receiver<Arc<Config>>) -> bool {
        let mut pause = PAUSE;
        loop {
            let request = Outgoing {
                target: &config.checked.target,
                method: Method::OPTIONS,
                headers: request::handshake(&config.settings),
                body: Bytes::new(),
            };
            let consents = self
                .call(request, "validation".to_owned(), |outcome| match outcome {
                    Ok(response) => request::consent(response, &config.settings).err(),
                    Err(error) => Some(error.to_string()),
                })
                .await;
            if consents.succeeded && self.mark_validated(changes) {
                return true;
            }
            tokio::select! {
                biased;
                _ = changes.changed() => return false,
                () = self.grid.clock().sleep_until(consents.at + pause) => {}
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Records the consent, unless it was given for settings that have changed.
    fn mark_validated(&self, changes: &watch::Receiver<Arc<Config>>) -> bool {
        let marked = self.on_queue(|queue| {
            let current = !is_outdated(changes);
            if current && let Some(push) = &mut queue.push {
                push.validated = true;
            }
            current
        });
        marked.unwrap_or_default()
    }

    /// Sends what is available until the settings change. Then it completes what is in flight.
    async fn deliver(&self, config: &Config, changes: &mut watch::Receiver<Arc<Config>>) {
        let Some(signals) = self.signals() else { return };
        let mut due = signals.due.subscribe();
        let mut ready = pin!(signals.ready.notified());
        let (mut in_flight, mut late) = (FuturesUnordered::new(), FuturesUnordered::new());
        loop {
            let mut next = *due.borrow_and_update();
            if in_flight.len() < MAX_IN_FLIGHT {
                match self.take(config, changes) {
                    Taken::Events(events) => {
                        in_flight.push(self.attempt(config, events));
                        continue;
                    }
                    Taken::Paused(until) => next = Some(next.map_or(until, |next| next.min(until))),
                    Taken::Nothing => {}
                }
            }
            tokio::select! {
                biased;
                _ = changes.changed() => break,
                Some(response) = in_flight.next() => late.extend(response),
                Some(()) = late.next() => {}
                () = ready.as_mut() => ready.set(signals.ready.notified()),
                _ = due.changed() => {}
                () = self.grid.clock().sleep_until_some(next), if in_flight.len() < MAX_IN_FLIGHT => {}
            }
        }
        while in_flight.next().await.is_some() {}
    }

    fn take(&self, config: &Config, changes: &watch::Receiver<Arc<Config>>) -> Taken {
        let (max, bytes) = config.settings.batch();
        let now = self.grid.clock().now();
        let taken = self.on_queue(|queue| {
            if is_outdated(changes) {
                return Taken::Nothing;
            }
            let pause = queue.push.as_ref().and_then(|push| push.probation.at(now));
            queue.change(now, |held| match pause {
                Some(pause) => {
                    if pause.loses_events {
                        held.lose_available();
                    }
                    Taken::Paused(pause.until)
                }
                None => Taken::from(held.take_batch(max, bytes, now)),
            })
        });
        taken.unwrap_or(Taken::Nothing)
    }

    /// One attempt to deliver these events, which share its outcome. Returns what waits for a late response.
    async fn attempt<'a>(&'a self, config: &'a Config, events: Vec<Delivery>) -> Option<Late<'a>> {
        let (mut headers, body) = request::delivery(&config.settings, &self.subscription, &events);
        self.authenticate(config, &mut headers);
        let request = Outgoing { target: &config.checked.target, method: Method::POST, headers, body };
        let called = self.call(request, request::subject(&events), |outcome| {
            let pause = self.settle(config, &events, failure(outcome, config.settings.lenient).as_ref());
            let pause = pause.map(|pause| format!("probation for {} s", pause.as_secs()));
            let error = outcome.as_ref().err().map(ToString::to_string);
            let problems: Vec<_> = error.into_iter().chain(pause).collect();
            (!problems.is_empty()).then(|| problems.join("; "))
        });
        called.await.late
    }

    fn authenticate(&self, config: &Config, headers: &mut HeaderMap) {
        headers.extend(config.checked.headers.iter().cloned());
        let Some(token) = &config.settings.token else { return };
        match self.grid.issuer().sign(token, self.grid.clock().now()) {
            Ok(token) => {
                if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
                    value.set_sensitive(true);
                    headers.insert(AUTHORIZATION, value);
                }
            }
            Err(error) => tracing::warn!(%error, "a token could not be signed"),
        }
    }

    /// Returns the length of the pause that begins.
    fn settle(&self, config: &Config, events: &[Delivery], failure: Option<&Failure>) -> Option<Duration> {
        let now = self.grid.clock().now();
        let tokens = events.iter().filter_map(|event| LockToken::decode(&event.token));
        self.on_queue(|queue| {
            let limit = config.settings.probation_after;
            let pause = queue.push.as_mut().and_then(|push| push.probation.record(failure, limit, now));
            queue.change(now, |held| {
                tokens.for_each(|token| match failure {
                    None => drop(held.acknowledge(&token)),
                    Some(failure) => held.fail(&token, failure, now),
                });
            });
            pause
        })?
    }

    /// Calls the webhook once and records that in the journal, with the problem that `settle` finds.
    async fn call<'a>(
        &'a self,
        request: Outgoing<'a>,
        subject: String,
        settle: impl FnOnce(&Result<Response<Bytes>, NoResponse>) -> Option<String>,
    ) -> Called<'a> {
        let clock = self.grid.clock();
        let url = request.target.url_without_query();
        let note = format!("{} {}/{}, {subject}", request.method, self.topic, self.subscription);
        let mut pending = self.pending(&url, &note);
        let started = clock.now();
        let mut exchange = Box::pin(webhook::call(clock, started + LATE_TIMEOUT, self.grid.trust(), request));
        let in_time = tokio::select! {
            biased;
            outcome = &mut exchange => Some(outcome),
            () = clock.sleep_until(started + TIMEOUT) => None,
        };
        let is_late = in_time.is_none();
        let outcome = in_time.unwrap_or(Err(NoResponse::Late));
        // Before the attempt is recorded: who advances the clock once it is must not miss the next one.
        let at = clock.now();
        let problem = settle(&outcome);
        if let Some(problem) = &problem {
            pending.note(&format!("({problem})"));
        }
        match &outcome {
            Ok(response) => pending.end(journal::Outcome::Status(response.status().as_u16())),
            // Dropping it records that there was no response.
            Err(_) => drop(pending),
        }
        let late = is_late.then(|| -> Late<'a> {
            Box::pin(async move {
                if let Ok(response) = exchange.await {
                    let status = response.status().as_u16();
                    self.pending(&url, &format!("{note} (late)")).end(journal::Outcome::Status(status));
                }
            })
        });
        Called { succeeded: problem.is_none(), at, late }
    }

    fn pending(&self, url: &str, note: &str) -> Pending<'_> {
        let mut pending = self.grid.journal().begin("HOOK", url);
        pending.of(Some(Service::EventGrid));
        pending.note(note);
        pending
    }

    fn signals(&self) -> Option<Arc<Signals>> {
        self.on_queue(|queue| Arc::clone(&queue.signals))
    }

    fn on_queue<T>(&self, action: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        self.grid.namespace().find(&self.topic, &self.subscription).map(action)
    }
}

/// Whether the settings have changed, or the subscription was removed or no longer pushes. Another one may have its name by
/// now.
fn is_outdated(changes: &watch::Receiver<Arc<Config>>) -> bool {
    changes.has_changed().unwrap_or(true)
}

/// What is to be done next.
enum Taken {
    Events(Vec<Delivery>),
    /// The subscription is on probation.
    Paused(SystemTime),
    Nothing,
}

impl From<Vec<Delivery>> for Taken {
    fn from(events: Vec<Delivery>) -> Self {
        if events.is_empty() { Self::Nothing } else { Self::Events(events) }
    }
}

/// Waits for a response that comes too late to matter.
type Late<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A call that ended.
struct Called<'a> {
    /// Whether there was no problem.
    succeeded: bool,
    at: SystemTime,
    late: Option<Late<'a>>,
}
