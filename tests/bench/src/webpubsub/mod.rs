//! The benchmark of Web PubSub: what a send to all costs compared with raw reqwest with the same signature, and how many tokens a
//! second are created compared with the bare HMAC.

pub(crate) mod ours;
mod raw;
mod tokens;

use std::path::Path;

use tokio::runtime::Runtime;

use crate::Result;
use crate::load::{self, LANES};
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::rounds::{Contender, Cost, Outcome};
use crate::server::Server;

/// An access key in the form of the service's.
const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const HUB: &str = "chat";
/// The text that is sent.
const BODY: usize = 1024;

pub(crate) const RAW: &str = "raw reqwest";
pub(crate) const OURS: &str = "webpubsub";

const CPU: fn(&Cost) -> f64 = |cost| cost.cpu;

/// Runs the comparisons, against this `bench-server`.
///
/// # Errors
///
/// A request that fails, a server that does not start.
pub fn compare(plan: Plan, server: &Path) -> Result<Report> {
    let plan = Plan { requests: plan.requests.next_multiple_of(LANES), ..plan };
    let mut report = Report::new(format!(
        "CPU time of the client (user + system, by getrusage) and allocations, per request. {} interleaved rounds,\n\
         {} requests a turn, every contender on the same single-threaded runtime.",
        plan.rounds, plan.requests
    ));
    let runtime = load::runtime()?;
    let server = Server::start(server)?;
    let outcome = Outcome::of(plan, contenders(&runtime, &server.origin())?)?;
    report.table(&format!("send to all, {LANES} in flight, 1 KiB of text"), &outcome)?;
    report.limit(Limit::new("send to all: times raw reqwest's CPU", outcome.ratio(OURS, RAW, CPU)?, 1.15));
    tokens::compare(plan, &runtime, &mut report)?;
    Ok(report)
}

/// Both contenders of a send to all.
pub(crate) fn contenders<'a>(runtime: &'a Runtime, origin: &str) -> Result<Vec<Contender<'a>>> {
    Ok(vec![
        Contender::new(RAW, load::turn(runtime, raw::Sender::new(origin)?, raw::Sender::send)),
        Contender::new(OURS, load::turn(runtime, (ours::client(origin)?, ours::message()), ours::send)),
    ])
}
