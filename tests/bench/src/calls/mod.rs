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
const RAW: &str = "raw reqwest";
const CORE: &str = "service-core";
const CORE_ON_HYPER: &str = "service-core, transport-hyper";
const HYPER: &str = "raw hyper";
const OFFICIAL: &str = "azure_core pipeline";

const CPU: fn(&Cost) -> f64 = |cost| cost.cpu;
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

fn over_loopback(plan: Plan, server: &Path, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let server = Server::start(server)?;
    let message = Arc::new(Message::new(&server.origin())?);
    let raw = raw::client()?;
    let rooms = Rooms::over(&message, None)?;
    let on_hyper = Rooms::over_hyper(&message)?;
    let official = Arc::new(official::pipeline()?);
    let contenders = vec![
        Contender::new(
            HYPER,
            load::turn(runtime, (raw_hyper::client(), Arc::clone(&message)), |(client, message)| {
                raw_hyper::send(client, message)
            }),
        ),
        Contender::new(
            RAW,
            load::turn(runtime, (raw, Arc::clone(&message)), |(raw, message)| raw::send(raw, message)),
        ),
        Contender::new(
            CORE,
            load::turn(runtime, (rooms, Arc::clone(&message)), |(rooms, message)| {
                rooms::send(rooms, message)
            }),
        ),
        Contender::new(
            CORE_ON_HYPER,
            load::turn(runtime, (on_hyper, Arc::clone(&message)), |(rooms, message)| {
                rooms::send(rooms, message)
            }),
        ),
        Contender::new(
            OFFICIAL,
            load::turn(runtime, (official, message), |(official, message)| official::send(official, message)),
        ),
    ];
    let outcome = Outcome::of(plan, contenders)?;
    report.table(&format!("loopback server, {LANES} in flight, 1 KiB POST"), &outcome)?;
    let bare = outcome.ratio(CORE, HYPER, CPU)?.median;
    report.note(&format!(
        "service-core takes {bare:.2} times the CPU of raw hyper; there is no limit for that"
    ));
    report.limit(Limit::new("loopback: times raw reqwest's CPU", outcome.ratio(CORE, RAW, CPU)?, 1.15));
    let own = outcome.ratio(CORE_ON_HYPER, CORE, CPU)?;
    report.limit(Limit::new("loopback: transport-hyper, times the default", own, 0.8));
    report.limit(Limit::new("loopback: times azure_core's CPU", outcome.ratio(CORE, OFFICIAL, CPU)?, 0.7));
    Ok(())
}
