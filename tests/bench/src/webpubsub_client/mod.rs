//! The benchmark of the WebSocket client: what a message received and a send acknowledged cost compared with raw tokio-tungstenite
//! with the same frames, and how much memory an idle client takes.

mod memory;
mod ours;
mod raw;
pub mod service;
mod wire;

use std::path::Path;

use tokio::runtime::Runtime;

use crate::load::{self, LANES};
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::rounds::{Contender, Cost, Outcome};
use crate::server::Server;
use crate::spread::Spread;
use crate::{Result, measure};

pub(crate) const RAW: &str = "raw tokio-tungstenite and serde_json";
pub(crate) const OURS: &str = "webpubsub::Client";

const CPU: fn(&Cost) -> f64 = |cost| cost.cpu;
/// So many clients are idle, unless the plan is a smaller one than usual.
const IDLE: [u32; 3] = [1, 100, 1000];
/// The descriptors that they and everything else need, here and in the server.
const DESCRIPTORS: u64 = 2048;

/// The limits of a message received and of a send acknowledged, as times raw, and of an idle client in KiB.
const RECEIVE: f64 = 1.05;
const SEND: f64 = 1.10;
const IDLE_KIB: f64 = 40.0;

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
    measure::allow_descriptors(DESCRIPTORS)?;
    let server = Server::start(server)?;
    let address = address_of(&server);
    // Before the rounds, whose memory an idle client would be given again.
    let counts = IDLE.map(|count| count.min(plan.requests));
    let idle = runtime.block_on(memory::of_idle(&address, &counts))?;
    let raw = runtime.block_on(raw::connect(&address))?;
    let ours = runtime.block_on(ours::connect(&address))?;
    let receive = Outcome::of(plan, receivers(&runtime, &raw, &ours, wire::BODY))?;
    report.table("receive", &receive)?;
    let send = Outcome::of(plan, senders(&runtime, &raw, &ours))?;
    report.table(&format!("send and await its ack, {LANES} in flight"), &send)?;
    report.limit(Limit::new("receive: times raw CPU", receive.ratio(OURS, RAW, CPU)?, RECEIVE));
    report.limit(Limit::new("send: times raw CPU", send.ratio(OURS, RAW, CPU)?, SEND));
    match idle {
        Some(idle) => {
            report.note("");
            idle.iter().for_each(|clients| report.note(&clients.to_string()));
            let many = Spread::of(idle.last().map(memory::Idle::each)).ok_or("no clients")?;
            report.limit(Limit::new("idle client: KiB", many, IDLE_KIB));
        }
        None => report.note("  memory of an idle client: not reported by this system"),
    }
    Ok(report)
}

/// So many clients that have connected.
///
/// # Errors
///
/// A connection that fails.
pub(crate) async fn connected(server: &Server, count: u32) -> Result<Vec<ours::Connection>> {
    let (address, mut clients) = (address_of(server), Vec::new());
    for _ in 0..count {
        clients.push(ours::connect(&address).await?);
    }
    Ok(clients)
}

fn address_of(server: &Server) -> String {
    server.origin().replacen("http", "ws", 1) + wire::PATH
}

/// Both contenders of receiving messages of this size.
fn receivers<'a>(
    runtime: &'a Runtime,
    raw: &'a raw::Connection,
    ours: &'a ours::Connection,
    size: usize,
) -> Vec<Contender<'a>> {
    vec![
        Contender::new(RAW, move |messages| runtime.block_on(raw::receive(raw, messages, size))),
        Contender::new(OURS, move |messages| runtime.block_on(ours::receive(ours, messages, size))),
    ]
}

/// Both contenders of sending a message and awaiting its ack.
fn senders<'a>(
    runtime: &'a Runtime,
    raw: &'a raw::Connection,
    ours: &ours::Connection,
) -> Vec<Contender<'a>> {
    vec![
        Contender::new(RAW, move |messages| runtime.block_on(raw::send(raw, messages))),
        Contender::new(OURS, load::turn(runtime, (ours.clone(), wire::text()), ours::send)),
    ]
}

/// What it costs to send a message of 1 KiB and to await its ack.
///
/// # Errors
///
/// A connection that fails, or a send that is rejected.
pub(crate) fn acknowledged(plan: Plan, server: &Server, runtime: &Runtime) -> Result<Outcome> {
    let address = address_of(server);
    let raw = runtime.block_on(raw::connect(&address))?;
    let ours = runtime.block_on(ours::connect(&address))?;
    Outcome::of(plan, senders(runtime, &raw, &ours))
}

/// What it costs to receive messages of this size.
///
/// # Errors
///
/// A connection that fails, or a message of another size.
pub(crate) fn receive(plan: Plan, server: &Server, runtime: &Runtime, size: usize) -> Result<Outcome> {
    let address = address_of(server);
    let raw = runtime.block_on(raw::connect(&address))?;
    let ours = runtime.block_on(ours::connect(&address))?;
    Outcome::of(plan, receivers(runtime, &raw, &ours, size))
}
