//! The fleet: processor processes on one subscription that are killed, stopped, and restarted while they handle events. The
//! emulator and the judge run in the process that starts the others.

mod reports;
mod supervisor;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eventgrid_namespaces::{CloudEvent, Credential, NamespaceClient, Sender};
use serde_json::{Value, json};
use service_core::{BoxError, Clock, SystemClock};
use service_emulator::Emulator;
use service_emulator::eventgrid::{Observation, SubscriptionSettings};

use crate::deliveries::{Counts, Deliveries};
use supervisor::Supervisor;
pub use worker::run as work;

const TOPIC: &str = "orders";
const SUBSCRIPTION: &str = "billing";
/// The service's own limit.
const MAX_DELIVERIES: u32 = 10;
/// Longer than a lock.
const LOCK: Duration = Duration::from_secs(61);
/// How often the end is looked for, and how often nothing may have changed before locks are made to expire.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 40;
/// More than this many events do not wait in the broker.
const BACKLOG: usize = 50_000;

/// What the fleet handles, and what happens to it.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where all random numbers start.
    pub seed: u64,
    /// How many events are published.
    pub events: u32,
    /// How many processes run at a time.
    pub processes: u32,
    /// How many times a process is killed or stopped.
    pub incidents: u32,
    /// Whether handlers acknowledge some events too early.
    pub plant: bool,
}

/// What happened to the processes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Incidents {
    /// Processes that were killed with `kill -9`, and restarted.
    pub kills: u32,
    /// Processes that were stopped with SIGTERM, and restarted.
    pub stops: u32,
    /// How often all locks ran out.
    pub lost_locks: u32,
    /// Events among the dead letters.
    pub dead: usize,
}

/// Runs it to the end. `program` is this package's program `long`, which becomes the workers.
///
/// # Errors
///
/// Fails if a process cannot be started, stopped, or ends although it must not.
pub async fn run(options: Options, program: &Path) -> Result<(Counts, Incidents), BoxError> {
    let emulator = Emulator::start().await?;
    let settings = SubscriptionSettings::default().max_delivery_count(MAX_DELIVERIES);
    emulator.eventgrid().declare_with(TOPIC, SUBSCRIPTION, settings);
    let deliveries = Arc::new(Deliveries::default());
    let judge = Arc::clone(&deliveries);
    let observe = move |seen: &Observation<'_>| {
        judge.step(seen.lock_token, number_of(seen.event), seen.deliveries, seen.step);
    };
    emulator.eventgrid().observe(TOPIC, SUBSCRIPTION, observe);
    let reports = reports::listen(Arc::clone(&deliveries)).await?;
    let mut supervisor = Supervisor::start(&emulator, &deliveries, reports, options, program)?;
    let key = Credential::access_key(emulator.eventgrid().key());
    let sender = NamespaceClient::new(&emulator.endpoint(), key)?.sender(TOPIC);
    for incident in 0..options.incidents {
        publish(&emulator, &sender, options, incident).await?;
        supervisor.incident().await?;
    }
    publish(&emulator, &sender, options, options.incidents).await?;
    let lost_locks = drain(&emulator, &mut supervisor).await?;
    let (kills, stops) = supervisor.stop().await?;
    let dead = emulator.eventgrid().dead_letters(TOPIC, SUBSCRIPTION).len();
    Ok((deliveries.counts(), Incidents { kills, stops, lost_locks, dead }))
}

/// Publishes the share of the events that comes before the incident with this number.
async fn publish(
    emulator: &Emulator,
    sender: &Sender,
    options: Options,
    incident: u32,
) -> Result<(), BoxError> {
    let clock = SystemClock::new();
    while emulator.eventgrid().waiting(TOPIC, SUBSCRIPTION) > BACKLOG {
        clock.sleep(LOOK).await;
    }
    let share =
        |incident: u32| u64::from(options.events) * u64::from(incident) / (u64::from(options.incidents) + 1);
    let events = (share(incident)..share(incident + 1)).map(|number| {
        let data = json!({ "number": number, "text": "a parcel that goes from here to there" });
        CloudEvent::builder("/fleet", "fleet.order").id(format!("order-{number}")).data_json(&data).build()
    });
    let result = sender.send_all(events.collect::<Result<Vec<_>, _>>()?).concurrency(2).await;
    if result.failed.is_empty() { Ok(()) } else { Err("events were not published".into()) }
}

/// Waits until the subscription is empty. What killed processes held is locked, and only time frees it. Returns how often all
/// locks ran out.
async fn drain(emulator: &Emulator, supervisor: &mut Supervisor) -> Result<u32, BoxError> {
    let clock = SystemClock::new();
    let (mut before, mut idle, mut lost_locks) = (None, 0, 0);
    loop {
        supervisor.check()?;
        let broker = emulator.eventgrid();
        let now = (broker.waiting(TOPIC, SUBSCRIPTION), broker.locked(TOPIC, SUBSCRIPTION));
        if now == (0, 0) {
            return Ok(lost_locks);
        }
        idle = if before == Some(now) { idle + 1 } else { 0 };
        before = Some(now);
        if idle >= LOOKS {
            emulator.clock().advance(LOCK);
            (lost_locks, idle) = (lost_locks + 1, 0);
        }
        clock.sleep(LOOK).await;
    }
}

/// The event's number, from its JSON; an unknown id belongs to no event.
fn number_of(json: &str) -> u32 {
    let event: Value = serde_json::from_str(json).unwrap_or_default();
    number(event["id"].as_str().unwrap_or_default())
}

fn number(id: &str) -> u32 {
    id.strip_prefix("order-").and_then(|id| id.parse().ok()).unwrap_or(u32::MAX)
}
