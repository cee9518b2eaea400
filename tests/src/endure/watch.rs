//! What is sampled: memory, descriptors, and tasks of both processes, and the lengths of all queues.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventgrid_namespaces::Processor;
use serde_json::Value;
use service_core::BoxError;
use tokio::runtime::Handle;
use webpubsub::Client;

use super::Shared;
use super::samples::Kind;

/// Everything that has a queue.
#[derive(Default)]
pub(super) struct Watch(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    clients: Vec<Client>,
    calls: Vec<Box<dyn Fn() -> usize + Send + Sync>>,
    /// The newest processor of each worker.
    processors: BTreeMap<u64, Processor>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    pub(super) fn client(&self, client: &Client) {
        self.lock().clients.push(client.clone());
    }

    /// Adds a function that returns how many calls are in flight.
    pub(super) fn calls(&self, calls: impl Fn() -> usize + Send + Sync + 'static) {
        self.lock().calls.push(Box::new(calls));
    }

    pub(super) fn processor(&self, worker: u64, processor: &Processor) {
        self.lock().processors.insert(worker, processor.clone());
    }

    /// Closes all WebSocket clients, which ends everything that reads their events.
    pub(super) async fn close_clients(&self) {
        let clients = std::mem::take(&mut self.lock().clients);
        for client in clients {
            client.close().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends that wait, events that wait, calls in flight, and events that processors hold.
    fn queues(&self) -> [usize; 4] {
        let watched = self.lock();
        let stats = || watched.clients.iter().map(Client::stats);
        [
            stats().map(|stats| stats.sends_in_flight + stats.sends_waiting).sum(),
            stats().map(|stats| stats.events_waiting).sum(),
            watched.calls.iter().map(|calls| calls()).sum(),
            watched.processors.values().map(|processor| processor.stats().held).sum(),
        ]
    }
}

/// Takes one sample of everything.
pub(super) async fn sample(shared: &Shared) -> Result<Vec<(&'static str, Kind, f64)>, BoxError> {
    let state = shared.service.state().await?;
    let (clients, emulator) = (std::process::id(), shared.service.process_id);
    let [sends, events, calls, held] = shared.watch.queues().map(|length| length as f64);
    let ledgers = shared.events.open() + shared.messages.open() + shared.streams.open();
    let connections = state["hubs"]["first"][0]["connections"]["total"].as_f64().unwrap_or_default();
    Ok(vec![
        ("memory of the clients", Kind::Memory, resident(clients)?),
        ("memory of the emulator", Kind::Memory, resident(emulator)?),
        ("descriptors of the clients", Kind::Descriptors, descriptors(clients)?),
        ("descriptors of the emulator", Kind::Descriptors, descriptors(emulator)?),
        ("tasks of the clients", Kind::Tasks, Handle::current().metrics().num_alive_tasks() as f64),
        ("tasks of the emulator", Kind::Tasks, shared.service.tasks() as f64),
        ("sends of WebSocket clients", Kind::Queue, sends),
        ("events of WebSocket clients", Kind::Queue, events),
        ("calls in flight", Kind::Queue, calls),
        ("events held by processors", Kind::Queue, held),
        ("connections of the emulator's hub", Kind::Queue, connections),
        ("events in the emulator's subscriptions", Kind::Queue, queued(&state)),
        ("entries of the ledgers", Kind::Queue, ledgers as f64),
    ])
}

/// How many events all subscriptions have.
fn queued(state: &Value) -> f64 {
    let subscriptions = state["topics"]["first"][0]["subscriptions"]["first"].as_array();
    let count = |subscription: &Value| {
        subscription["waiting"].as_u64().unwrap_or_default()
            + subscription["locked"].as_u64().unwrap_or_default()
    };
    subscriptions.into_iter().flatten().map(count).sum::<u64>() as f64
}

/// The resident memory of a process in KiB.
fn resident(process: u32) -> Result<f64, BoxError> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no resident memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn descriptors(process: u32) -> Result<f64, BoxError> {
    let path = format!("/proc/{process}/fd");
    Ok(std::fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?.count() as f64)
}
