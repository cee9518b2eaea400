//! The benchmark of the WebSocket client: what a message received and a send acknowledged cost compared with raw tokio-tungstenite
//! with the same frames, and how much memory an idle client takes.

mod memory;
mod ours;
mod raw;
pub mod service;
mod wire;

use std::path::Path;

use crate::Result;
use crate::load::{self, LANES};
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::rounds::{Contender, Cost, Outcome};
use crate::server::Server;

const RAW: &str = "raw tokio-tungstenite and serde_json";
const OURS: &str = "webpubsub::Client";

const CPU: fn(&Cost) -> f64 = |cost| cost.cpu;
/// So many clients are idle, unless the plan is a smaller one than usual.
const IDLE: u32 = 500;
/// At least 0.7 of the raw throughput from the same CPU time.
const AT_MOST: f64 = 1.0 / 0.7;

/// Runs the comparisons, against this `bench-server`.
///
/// # Errors
///
/// A connection that fails, a send that is rejected, a server that does not start.
pub fn compare(plan: Plan, server: &Path) -> Result<Report> {
    let plan = Plan { requests: plan.requests.next_multiple_of(LANES), ..plan };
    let mut report = Report::new(format!(
        "CPU time of the client (user + system, by getrusage) and allocations, per message of 1 KiB of text with the\n\
         reliable JSON subprotocol. {} interleaved rounds, {} messages a turn, every contender on the same\n\
         single-threaded runtime.",
        plan.rounds, plan.requests
    ));
    let runtime = load::runtime()?;
    let server = Server::start(server)?;
    let address = server.origin().replacen("http", "ws", 1) + wire::PATH;
    // Before the rounds, whose memory an idle client would be given again.
    let idle = runtime.block_on(memory::of_idle(&address, IDLE.min(plan.requests)))?;
    let raw = runtime.block_on(raw::connect(&address))?;
    let ours = runtime.block_on(ours::connect(&address))?;
    let receive = Outcome::of(
        plan,
        vec![
            Contender::new(RAW, |messages| runtime.block_on(raw::receive(&raw, messages))),
            Contender::new(OURS, |messages| runtime.block_on(ours::receive(&ours, messages))),
        ],
    )?;
    report.table("receive", &receive)?;
    let send = Outcome::of(
        plan,
        vec![
            Contender::new(RAW, |messages| runtime.block_on(raw::send(&raw, messages))),
            Contender::new(OURS, load::turn(&runtime, (ours, wire::text()), ours::send)),
        ],
    )?;
    report.table(&format!("send and await its ack, {LANES} in flight"), &send)?;
    report.note(&format!("\n  {idle}"));
    report.limit(Limit::new("receive: times raw CPU", receive.ratio(OURS, RAW, CPU)?, AT_MOST));
    report.limit(Limit::new("send: times raw CPU", send.ratio(OURS, RAW, CPU)?, AT_MOST));
    Ok(report)
}
