//! The benchmark of the core: what its call costs compared with the bare request, raw reqwest and azure_core's pipeline, and the
//! limits that it keeps to.

mod instant;
pub(crate) mod message;
mod official;
pub(crate) mod raw;
pub(crate) mod raw_hyper;
pub(crate) mod rooms;

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::Result;
use crate::load::{self, LANES};
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::rounds::{Contender, Cost, Outcome};
use crate::server::Server;
use instant::Instant;
use message::Message;
use rooms::Rooms;

/// A call without a network is so short that a turn needs more of them.
const MORE_WITHOUT_NETWORK: u32 = 8;

const BARE: &str = "http request, built and responded to";
pub(crate) const RAW: &str = "raw reqwest";
pub(crate) const CORE: &str = "service-core";
pub(crate) const HYPER: &str = "raw hyper";
pub(crate) const OFFICIAL: &str = "azure_core pipeline";

pub(crate) const CPU: fn(&Cost) -> f64 = |cost| cost.cpu;
const ALLOCATIONS: fn(&Cost) -> f64 = |cost| cost.allocations;

/// Runs the comparisons, against this `bench-server`.
///
/// # Errors
///
/// A request that fails, a server that does not start.
pub fn compare(plan: Plan, server: &Path) -> Result<Report> {
    let plan = Plan { requests: plan.requests.next_multiple_of(LANES), ..plan };
    let without_network = Plan { requests: plan.requests.saturating_mul(MORE_WITHOUT_NETWORK), ..plan };
    let mut report = Report::new(format!(
        "CPU time of the client (user + system, by getrusage) and allocations, per request. {} interleaved rounds,\n\
         {} requests a turn ({} without network), every contender on the same single-threaded runtime.",
        plan.rounds, plan.requests, without_network.requests
    ));
    let runtime = load::runtime()?;
    over_an_instant_transport(without_network, &runtime, &mut report)?;
    over_loopback(plan, server, &runtime, &mut report)?;
    Ok(report)
}

fn over_an_instant_transport(plan: Plan, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let message = Arc::new(Message::new("http://127.0.0.1:9")?);
    let rooms = Rooms::over(&message, Some(Arc::new(Instant)))?;
    let bare =
        |requests| runtime.block_on(load::one_by_one(requests, || instant::send(Arc::clone(&message))));
    let core = |requests| {
        runtime.block_on(load::one_by_one(requests, || rooms::send(rooms.clone(), Arc::clone(&message))))
    };
    let outcome = Outcome::of(plan, vec![Contender::new(BARE, bare), Contender::new(CORE, core)])?;
    report.table("instant transport, one call at a time", &outcome)?;
    let cpu = outcome.difference(CORE, BARE, CPU)?;
    report.limit(Limit::new("instant: µs above the bare request", cpu, 3.0));
    let allocations = outcome.difference(CORE, BARE, ALLOCATIONS)?;
    report.limit(Limit::new("instant: allocations above the bare one", allocations, 10.0));
    Ok(())
}

/// All contenders over loopback, with this many calls in flight and a body of this size.
pub(crate) fn contenders<'a>(
    runtime: &'a Runtime,
    origin: &str,
    lanes: u32,
    body: usize,
) -> Result<Vec<Contender<'a>>> {
    let message = Arc::new(Message::with_body(origin, body)?);
    let hyper = (raw_hyper::client(), Arc::clone(&message));
    let raw = (raw::client()?, Arc::clone(&message));
    let core = (Rooms::over(&message, None)?, Arc::clone(&message));
    let official = (Arc::new(official::pipeline()?), message);
    Ok(vec![
        Contender::new(
            HYPER,
            load::turn_with(runtime, lanes, hyper, |(client, it)| raw_hyper::send(client, it)),
        ),
        Contender::new(RAW, load::turn_with(runtime, lanes, raw, |(client, it)| raw::send(client, it))),
        Contender::new(CORE, load::turn_with(runtime, lanes, core, |(rooms, it)| rooms::send(rooms, it))),
        Contender::new(
            OFFICIAL,
            load::turn_with(runtime, lanes, official, |(core, it)| official::send(core, it)),
        ),
    ])
}

fn over_loopback(plan: Plan, server: &Path, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let server = Server::start(server)?;
    let outcome = Outcome::of(plan, contenders(runtime, &server.origin(), LANES, message::BODY)?)?;
    report.table(&format!("loopback server, {LANES} in flight, 1 KiB POST"), &outcome)?;
    let bare = outcome.ratio(CORE, HYPER, CPU)?.median;
    report.note(&format!(
        "service-core takes {bare:.2} times the CPU of raw hyper; there is no limit for that"
    ));
    report.limit(Limit::new("loopback: times raw reqwest's CPU", outcome.ratio(CORE, RAW, CPU)?, 1.15));
    report.limit(Limit::new("loopback: times azure_core's CPU", outcome.ratio(CORE, OFFICIAL, CPU)?, 0.7));
    Ok(())
}
