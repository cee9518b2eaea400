//! The benchmark of Event Grid Namespaces: what publishing and pulling 100 events costs compared with raw reqwest and serde_json,
//! what the processor adds to that, what it costs to decode one, and how many events a second the emulator takes.

mod decode;
mod emulator;
pub(crate) mod ours;
mod process;
mod raw;
pub mod stream;
pub mod wire;

use std::path::Path;

use tokio::runtime::Runtime;

use crate::Result;
use crate::load::{self, LANES};
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::rounds::{Contender, Cost, Outcome};
use crate::server::Server;
use raw::Client;

/// An access key in the form of the service's.
pub const KEY: &str = "QmVuY2htYXJrT2ZFdmVudEdyaWROYW1lc3BhY2VzMDE=";
const SOURCE: &str = "/orders";
const TYPE: &str = "com.example.order.created";

pub(crate) const RAW: &str = "raw reqwest and serde_json";
pub(crate) const OURS: &str = "eventgrid-namespaces";
const BUILT: &str = "eventgrid-namespaces, events built";

const CPU: fn(&Cost) -> f64 = |cost| cost.cpu;
const ALLOCATIONS: fn(&Cost) -> f64 = |cost| cost.allocations;

/// Runs the comparisons, against this `bench-server`.
///
/// # Errors
///
/// A request that fails, a server that does not start.
pub fn compare(plan: Plan, server: &Path) -> Result<Report> {
    let plan = Plan { requests: plan.requests.next_multiple_of(LANES), ..plan };
    let mut report = Report::new(format!(
        "CPU time of the client (user + system, by getrusage) and allocations, per request. {} interleaved rounds,\n\
         {} requests of {} events a turn, every contender on the same single-threaded runtime.",
        plan.rounds,
        plan.requests,
        wire::EVENTS
    ));
    let runtime = load::runtime()?;
    over_loopback(plan, server, &runtime, &mut report)?;
    decode::compare(plan, &mut report)?;
    emulator::sustain(plan, server, &mut report)?;
    Ok(report)
}

/// Both contenders of publishing batches of `events` events with data of this size, with this many requests in flight.
pub(crate) fn publishers<'a>(
    runtime: &'a Runtime,
    origin: &str,
    lanes: u32,
    events: u32,
    data: usize,
) -> Result<Vec<Contender<'a>>> {
    let orders: Vec<_> = (0..events).map(|number| wire::Order::of_size(number, data)).collect();
    let raw = Client::with_orders(origin, orders.clone())?;
    let ours = ours::Clients::new(origin, KEY)?.with_orders(orders);
    Ok(vec![
        Contender::new(RAW, load::turn_with(runtime, lanes, raw, Client::publish)),
        Contender::new(OURS, load::turn_with(runtime, lanes, ours, ours::Clients::publish)),
    ])
}

/// Both contenders of receiving and acknowledging 100 events.
pub(crate) fn receivers<'a>(runtime: &'a Runtime, origin: &str) -> Result<Vec<Contender<'a>>> {
    let (raw, ours) = (Client::new(origin)?, ours::Clients::new(origin, KEY)?);
    Ok(vec![
        Contender::new(RAW, load::turn(runtime, raw, Client::receive)),
        Contender::new(OURS, load::turn(runtime, ours, ours::Clients::receive)),
    ])
}

fn over_loopback(plan: Plan, server: &Path, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let server = Server::start(server)?;
    let raw = Client::new(&server.origin())?;
    let ours = ours::Clients::new(&server.origin(), KEY)?;
    let publish = Outcome::of(
        plan,
        vec![
            Contender::new(RAW, load::turn(runtime, raw.clone(), Client::publish)),
            Contender::new(OURS, load::turn(runtime, ours.clone(), ours::Clients::publish)),
            Contender::new(BUILT, load::turn(runtime, ours, ours::Clients::publish_built)),
        ],
    )?;
    report.table(&format!("publish, {LANES} in flight"), &publish)?;
    let receive = Outcome::of(plan, receivers(runtime, &server.origin())?)?;
    report.table(&format!("receive and acknowledge, {LANES} in flight"), &receive)?;
    report.limit(Limit::new("publish: times raw reqwest's CPU", publish.ratio(OURS, RAW, CPU)?, 1.0));
    let allocations = publish.difference(OURS, RAW, ALLOCATIONS)?;
    report.limit(Limit::new("publish: allocations above the raw ones", allocations, 0.0));
    report.limit(Limit::new("publish, events built: times", publish.ratio(BUILT, RAW, CPU)?, 1.15));
    report.limit(Limit::new("receive: times raw reqwest's CPU", receive.ratio(OURS, RAW, CPU)?, 1.15));
    process::compare(plan, &server.origin(), &raw, runtime, report)
}
