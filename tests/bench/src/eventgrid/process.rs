//! What the processor costs compared with a loop that a user would write, and how many events a second it handles and settles.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eventgrid_namespaces::{
    Clock as _, CloudEvent, Context, Credential, NamespaceClient, Processor, ProcessorBuilder, SystemClock,
};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::raw::Client;
use super::wire::{EVENTS, Incoming};
use super::{CPU, KEY, stream};
use crate::Result;
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::rounds::{Contender, Outcome};
use crate::spread::Spread;

const RAW: &str = "a loop on reqwest and serde_json";
const OURS: &str = "Processor";
/// How many events a processor handles at a time, and how many more it holds: enough for full pages, or for a long round trip.
const CONCURRENCY: usize = 64;
const PREFETCH: usize = 336;
const FAR_PREFETCH: usize = 936;
/// The simulated round trip in milliseconds, and how long a handler takes.
const ROUND_TRIP: u32 = 30;
const HANDLER: Duration = Duration::from_millis(1);
/// At least this many events a second are handled and settled with that round trip.
const EVENTS_PER_SECOND: f64 = 8_000.0;

/// Adds the comparison, the rate, and their limits to the report.
pub(super) fn compare(
    plan: Plan,
    origin: &str,
    raw: &Client,
    runtime: &Runtime,
    report: &mut Report,
) -> Result<()> {
    let client = NamespaceClient::new(origin, Credential::access_key(KEY))?;
    let outcome = Outcome::of(
        plan,
        vec![
            Contender::new(RAW, |pages| runtime.block_on(in_a_loop(raw, pages))),
            Contender::new(OURS, |pages| runtime.block_on(immediately(&client, pages))),
        ],
    )?;
    report.table("handle and settle 100 events", &outcome)?;
    report.limit(Limit::new("process: times a loop's CPU", outcome.ratio(OURS, RAW, CPU)?, 1.1));
    let rates = (0..plan.rounds.min(3)).map(|_| runtime.block_on(rate(&client, plan.requests)));
    let rates = rates.collect::<Result<Vec<_>>>()?;
    let micros = Spread::of(rates.iter().map(|rate| 1e6 / rate)).ok_or("there were no rounds")?;
    report.note(&format!(
        "\n  one processor, a round trip of {ROUND_TRIP} ms, handlers of 1 ms: {:.0} events a second",
        1e6 / micros.median
    ));
    report.limit(Limit::new("process: µs per event at 30 ms", micros, 1e6 / EVENTS_PER_SECOND));
    Ok(())
}

/// The loop: one page after the other, and one event after the other.
async fn in_a_loop(client: &Client, pages: u32) -> Result<()> {
    let topic = stream::topic(pages * EVENTS as u32, 0);
    for _ in 0..pages {
        let handle = |event: &Incoming| {
            black_box(event.id.len());
        };
        if client.handle_page(&topic, handle).await? != EVENTS {
            return Err("a page is not full".into());
        }
    }
    Ok(())
}

/// A processor whose handlers end immediately.
async fn immediately(client: &NamespaceClient, pages: u32) -> Result<()> {
    let events = pages * EVENTS as u32;
    let (count, done) = counter(events);
    let builder = processor(client, &stream::topic(events, 0), PREFETCH);
    let processor = builder.handler(move |event: CloudEvent, _: Context| {
        black_box(event.id().len());
        count();
        async {}
    })?;
    Ok(processor.run_until(done.notified()).await?)
}

/// How many events a second a processor handles and settles over a network with this round trip.
async fn rate(client: &NamespaceClient, pages: u32) -> Result<f64> {
    let events = pages * EVENTS as u32;
    let (count, done) = counter(events);
    let count = Arc::new(count);
    let clock = Arc::new(SystemClock::new());
    let builder = processor(client, &stream::topic(events, ROUND_TRIP), FAR_PREFETCH);
    let handler = {
        let clock = Arc::clone(&clock);
        move |_: CloudEvent, _: Context| {
            let (clock, count) = (Arc::clone(&clock), Arc::clone(&count));
            async move {
                clock.sleep(HANDLER).await;
                count();
            }
        }
    };
    let processor = builder.handler(handler)?;
    let started = clock.elapsed();
    processor.run_until(done.notified()).await?;
    let took = clock.elapsed().saturating_sub(started);
    Ok(f64::from(events) / took.as_secs_f64())
}

fn processor(client: &NamespaceClient, topic: &str, prefetch: usize) -> ProcessorBuilder {
    Processor::builder(client.receiver(topic, "billing")).concurrency(CONCURRENCY).prefetch(prefetch)
}

/// A function that is called for each event, and what it notifies when there are no more.
fn counter(events: u32) -> (impl Fn() + Send + Sync + 'static, Arc<Notify>) {
    let done = Arc::new(Notify::new());
    let (left, notify) = (AtomicU32::new(events), Arc::clone(&done));
    let count = move || {
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            notify.notify_one();
        }
    };
    (count, done)
}
