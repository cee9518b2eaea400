//! How many events a second the emulator takes in and gives out, compared with what a namespace of the service can do.

use std::time::Duration;

use service_core::{Clock as _, SystemClock};
use service_emulator::Emulator;

use super::ours::Clients;
use super::wire::EVENTS;
use crate::Result;
use crate::load::{self, LANES};
use crate::plan::Plan;
use crate::report::Report;

/// Adds what one run showed, without a limit: it is of this machine, and of one client that shares it with the emulator.
pub(super) fn sustain(plan: Plan, report: &mut Report) -> Result<()> {
    let runtime = load::runtime()?;
    let (publish, receive) = runtime.block_on(run(plan.requests))?;
    report.note(&format!(
        "\n  the emulator, in one thread with its client: {publish:.0} events a second in, {receive:.0} out and acknowledged\n  \
         (a namespace of 40 throughput units: 40,000 in, 80,000 out)"
    ));
    Ok(())
}

async fn run(requests: u32) -> Result<(f64, f64)> {
    let emulator = Emulator::start().await?;
    emulator.eventgrid().declare("orders", "billing");
    let clients = Clients::new(&emulator.endpoint(), &emulator.eventgrid().key())?;
    let clock = SystemClock::new();
    let sending = clients.clone();
    let started = clock.elapsed();
    load::in_flight(LANES, requests, move || sending.clone().publish()).await?;
    let published = clock.elapsed();
    load::in_flight(LANES, requests, move || clients.clone().receive()).await?;
    let received = clock.elapsed();
    let rate = |took: Duration| f64::from(requests) * EVENTS as f64 / took.as_secs_f64();
    Ok((rate(published.saturating_sub(started)), rate(received.saturating_sub(published))))
}
