//! The soak of Event Grid Namespaces: events through sender, emulator and processors while handlers fail, connections break,
//! the service pushes back and processors are restarted. The [`ledger`] judges the end.

pub mod ledger;
mod publishers;
mod trouble;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use service_core::{BoxError, Clock, SystemClock};
use service_emulator::Emulator;
use service_emulator::eventgrid::{DeadLetterReason, Observation, SubscriptionSettings};

use crate::cutter::{Cuts, Cutter, Plan};
use ledger::{Judgement, Ledger};
use trouble::Troubles;

const TOPIC: &str = "orders";
const SUBSCRIPTION: &str = "billing";
/// The service's own limit.
const MAX_DELIVERIES: u32 = 10;
/// Longer than a lock: what a processor held that was killed comes back.
const LOCK: Duration = Duration::from_secs(61);
/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// What is soaked, and how.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where all random numbers start.
    pub seed: u64,
    /// How many events are published.
    pub events: u32,
    /// How many processors pull them.
    pub processors: u32,
    /// One in so many events is poison: its handler never succeeds.
    pub poison: u32,
    /// How many bytes a connection carries before it is cut, on average.
    pub mean_bytes: u64,
    /// Whether handlers acknowledge some events too early, to see the soak fail.
    pub plant: bool,
}

/// What happened on the way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Incidents {
    /// Connections that were cut.
    pub cuts: Cuts,
    /// Periods in which the service responded to many requests with 429 or 503.
    pub storms: u32,
    /// Processors that were shut down and restarted.
    pub restarts: u32,
    /// Processors that were dropped while handling events, and restarted.
    pub kills: u32,
    /// Times at which all locks ran out.
    pub lost_locks: u32,
}

/// Runs it to the end.
///
/// # Errors
///
/// Fails if a processor stops with an error or the emulator does not start.
pub async fn run(options: Options) -> Result<(Judgement, Incidents), BoxError> {
    let emulator = Emulator::start().await?;
    let settings = SubscriptionSettings::default().max_delivery_count(MAX_DELIVERIES);
    emulator.eventgrid().declare_with(TOPIC, SUBSCRIPTION, settings);
    let poison = (0..options.events).filter(|event| event % options.poison == options.poison / 2);
    let ledger = Arc::new(Ledger::new(options.events, poison));
    let judge = Arc::clone(&ledger);
    emulator.eventgrid().observe(TOPIC, SUBSCRIPTION, move |seen: &Observation<'_>| {
        let event: serde_json::Value = serde_json::from_str(seen.event).unwrap_or_default();
        let event = number(event["id"].as_str());
        judge.deliveries.step(seen.lock_token, event, seen.deliveries, seen.step);
    });
    let plan = Plan { seed: options.seed, mean: options.mean_bytes, early: 5 };
    let cutter = Cutter::start(emulator.address(), plan).await?;
    let namespace = Namespace {
        endpoint: format!("http://{}", cutter.address()),
        key: emulator.eventgrid().key(),
        ledger: Arc::clone(&ledger),
        options,
    };
    let troubles = Troubles::start(&emulator, options.seed);
    let workers = workers::start(&namespace);
    publishers::run(&namespace, &emulator).await?;
    drain(&emulator, &workers, &troubles).await?;
    let (restarts, kills) = workers.stop().await?;
    let (storms, lost_locks) = troubles.stop().await;
    let dead = emulator.eventgrid().dead_letters(TOPIC, SUBSCRIPTION);
    let dead: Vec<_> = dead
        .iter()
        .map(|letter| {
            let spent = letter.reason == DeadLetterReason::MaxDeliveryCountExceeded;
            (number(letter.event["id"].as_str()), if spent { letter.deliveries } else { 0 })
        })
        .collect();
    let incidents = Incidents { cuts: cutter.cuts(), storms, restarts, kills, lost_locks };
    Ok((ledger.judge(&dead, MAX_DELIVERIES), incidents))
}

/// What publishers and workers share.
#[derive(Clone)]
struct Namespace {
    /// Of the proxy that cuts.
    endpoint: String,
    key: String,
    ledger: Arc<Ledger>,
    options: Options,
}

/// Waits until the subscription is empty. What was lost on its way to a receiver is locked, and only time frees it.
async fn drain(emulator: &Emulator, workers: &workers::Workers, troubles: &Troubles) -> Result<(), BoxError> {
    let clock = SystemClock::new();
    let mut before = None;
    let mut idle = 0;
    loop {
        workers.check()?;
        let broker = emulator.eventgrid();
        let (waiting, locked) = (broker.waiting(TOPIC, SUBSCRIPTION), broker.locked(TOPIC, SUBSCRIPTION));
        if (waiting, locked) == (0, 0) {
            return Ok(());
        }
        let now = Some((waiting, locked, broker.dead_letters(TOPIC, SUBSCRIPTION).len()));
        idle = if now == before { idle + 1 } else { 0 };
        before = now;
        if idle >= 20 {
            troubles.lose_locks(emulator);
            idle = 0;
        }
        clock.sleep(LOOK).await;
    }
}

/// The event's number, from its id; an unknown id belongs to no event.
fn number(id: Option<&str>) -> u32 {
    id.and_then(|id| id.strip_prefix("order-")).and_then(|id| id.parse().ok()).unwrap_or(u32::MAX)
}

/// A number that looks random and is the same for the same three.
fn draw(seed: u64, event: u32, turn: u8) -> u64 {
    fastrand::Rng::with_seed(seed ^ (u64::from(event) << 8) ^ u64::from(turn)).u64(..)
}
