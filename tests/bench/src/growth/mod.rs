//! How the cost of the clients grows: with the calls in flight, the size of bodies, batches and messages, and with the number of
//! calls, senders and clients that exist. Each figure is the median of several runs, and the worst of them is shown as well.

mod chart;
mod memory;
mod peers;
mod readme;
mod report;
mod sweep;

use std::path::Path;

use tokio::runtime::Runtime;

use crate::plan::Plan;
use crate::rounds::Outcome;
use crate::server::Server;
use crate::{Result, calls, eventgrid, load, measure, webpubsub, webpubsub_client};
use load::LANES;
pub use peers::Sdks;
pub use readme::update;
pub use report::Growth;
use sweep::{Axis, Sweep};

/// Of each contender, with 2,048 connections each.
const DESCRIPTORS: u64 = 18_000;
/// About the size of the data of an event, so that 1,000 of them fit into one request.
const EVENT: usize = 512;
/// A turn receives at most this many bytes, because the server keeps what is not acknowledged.
const MAX_TURN: usize = 16 << 20;

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often everything is measured.
    pub runs: u32,
    /// The turns of one run.
    pub plan: Plan,
    /// Calls in flight.
    pub lanes: Vec<u32>,
    /// Sizes of bodies and messages in bytes.
    pub sizes: Vec<usize>,
    /// Events per batch.
    pub batches: Vec<u32>,
    /// How many calls, senders, and clients exist for the memory of each.
    pub held: u32,
}

impl Options {
    /// The usual measurement.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            runs: 3,
            plan: Plan { rounds: 5, requests: 4096 },
            lanes: vec![1, 32, 256, 2048],
            sizes: vec![102, 1 << 10, 16 << 10, 256 << 10],
            batches: vec![1, 10, 100, 1000],
            held: 1000,
        }
    }

    /// A measurement that takes a minute. Its figures are rough.
    #[must_use]
    pub fn quick() -> Self {
        Self { plan: Plan { rounds: 1, requests: 512 }, held: 100, ..Self::usual() }
    }
}

/// Measures everything, against this `bench-server`, and writes the report and its charts into this directory.
///
/// # Errors
///
/// Returns an error if a request fails, a program does not start, or a file cannot be written.
pub fn run(options: &Options, server: &Path, sdks: Option<&Sdks>, directory: &Path) -> Result<Growth> {
    measure::allow_descriptors(DESCRIPTORS)?;
    std::fs::create_dir_all(directory)?;
    let runtime = load::runtime()?;
    let bench = Bench { options, server, runtime: &runtime };
    let growth = Growth {
        runs: options.runs,
        concurrency: bench.concurrency()?,
        body: bench.body()?,
        batch: bench.batch()?,
        message: bench.message()?,
        send: bench.send()?,
        receive: bench.receive()?,
        acknowledged: bench.acknowledged()?,
        memory: memory::measure(server, options.held)?,
        peers: sdks.map(|sdks| peers::compare(options, server, sdks)).transpose()?,
    };
    growth.write(directory)?;
    Ok(growth)
}

/// What the sweeps share.
struct Bench<'a> {
    options: &'a Options,
    server: &'a Path,
    runtime: &'a Runtime,
}

impl Bench<'_> {
    /// Measures each point in each run. Every point of a run has a server of its own.
    fn sweep<P: Copy>(
        &self,
        axis: Axis,
        points: &[P],
        label: fn(P) -> String,
        point: impl Fn(P, &Server) -> Result<Outcome>,
    ) -> Result<Sweep> {
        let mut sweep = Sweep::new(axis, points.iter().map(|point| label(*point)).collect());
        for run in 1..=self.options.runs {
            eprintln!("{}: run {run} of {}", axis.title, self.options.runs);
            for (index, value) in points.iter().enumerate() {
                sweep.add(index, &point(*value, &Server::start(self.server)?)?)?;
            }
        }
        Ok(sweep)
    }

    /// A turn of about as many bytes, however large each request is.
    fn plan(&self, size: usize) -> Plan {
        let most = u32::try_from(MAX_TURN / size).unwrap_or(u32::MAX).max(1);
        Plan { requests: self.options.plan.requests.min(most), ..self.options.plan }
    }

    fn concurrency(&self) -> Result<Sweep> {
        let axis = Axis {
            title: "Calls in flight: one call of the core, 1 KiB",
            file: "growth-concurrency.svg",
            label: "calls in flight",
            ours: calls::CORE,
        };
        self.sweep(
            axis,
            &self.options.lanes,
            |lanes| lanes.to_string(),
            |lanes, server| {
                // Each task sends twice, so that no call is only the first of its connection.
                let plan = self.options.plan;
                let plan = Plan { requests: plan.requests.max(2 * lanes), ..plan };
                let contenders = calls::contenders(self.runtime, &server.origin(), lanes, 1 << 10)?;
                Outcome::of(plan, contenders)
            },
        )
    }

    fn body(&self) -> Result<Sweep> {
        let axis = Axis {
            title: "Size of the body: one call of the core, 32 in flight",
            file: "growth-body.svg",
            label: "KiB of body",
            ours: calls::CORE,
        };
        self.sweep(axis, &self.options.sizes, kibibytes, |size, server| {
            let contenders = calls::contenders(self.runtime, &server.origin(), LANES, size)?;
            Outcome::of(self.plan(size), contenders)
        })
    }

    fn batch(&self) -> Result<Sweep> {
        let axis = Axis {
            title: "Size of a batch: publish events of 0.5 KiB, 32 in flight",
            file: "growth-batch.svg",
            label: "events in a batch",
            ours: eventgrid::OURS,
        };
        self.sweep(
            axis,
            &self.options.batches,
            |events| events.to_string(),
            |events, server| {
                let contenders = eventgrid::publishers(self.runtime, &server.origin(), LANES, events, EVENT)?;
                Outcome::of(self.plan(events as usize * EVENT), contenders)
            },
        )
    }

    fn message(&self) -> Result<Sweep> {
        let axis = Axis {
            title: "Size of a message: receive over the WebSocket client",
            file: "growth-message.svg",
            label: "KiB of text",
            ours: webpubsub_client::OURS,
        };
        self.sweep(axis, &self.options.sizes, kibibytes, |size, server| {
            webpubsub_client::receive(self.plan(size), server, self.runtime, size)
        })
    }

    fn send(&self) -> Result<Sweep> {
        let axis = Axis { title: "Web PubSub: send to all", file: "", label: "", ours: webpubsub::OURS };
        self.sweep(
            axis,
            &[()],
            |()| "1 KiB".to_owned(),
            |(), server| {
                Outcome::of(self.options.plan, webpubsub::contenders(self.runtime, &server.origin())?)
            },
        )
    }

    fn receive(&self) -> Result<Sweep> {
        let axis =
            Axis { title: "Event Grid: receive and acknowledge", file: "", label: "", ours: eventgrid::OURS };
        self.sweep(
            axis,
            &[()],
            |()| "100 events".to_owned(),
            |(), server| {
                let contenders = eventgrid::receivers(self.runtime, &server.origin())?;
                Outcome::of(self.plan(100 << 10), contenders)
            },
        )
    }

    fn acknowledged(&self) -> Result<Sweep> {
        let axis = Axis {
            title: "Web PubSub: send and await the ack",
            file: "",
            label: "",
            ours: webpubsub_client::OURS,
        };
        self.sweep(
            axis,
            &[()],
            |()| "1 KiB".to_owned(),
            |(), server| webpubsub_client::acknowledged(self.options.plan, server, self.runtime),
        )
    }
}

/// A size in KiB, with one decimal if it is less than one.
fn kibibytes(size: usize) -> String {
    if size < 1 << 10 { format!("{:.1}", size as f64 / 1024.0) } else { (size >> 10).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_kibibytes() {
        assert_eq!(
            Options::usual().sizes.into_iter().map(kibibytes).collect::<Vec<_>>(),
            ["0.1", "1", "16", "256"]
        );
    }
}
