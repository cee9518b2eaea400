//! The memory of one call in flight, one sender, and one client: what this process has allocated and not released. Unlike the resident
//! set, the figure is the same in every run. The system's memory for sockets is not part of it.

use std::path::Path;

use eventgrid_namespaces::{Credential, NamespaceClient, Receiver, Sender};
use tokio::task::JoinSet;

use crate::calls::raw;
use crate::responses::HELD;
use crate::server::Server;
use crate::{Result, eventgrid, load, webpubsub, webpubsub_client};

/// No more clients than this, because each reads the certificates of the system.
const MAX_CLIENTS: u32 = 50;
/// No more calls than a client sends at the same time by default.
const MAX_CALLS: u32 = 100;
/// A topic without events: the server never responds to a receive.
const SILENT: &str = "stream-0-0-0";

/// The memory of one of each, in KiB.
#[derive(Debug)]
pub(super) struct Memory {
    /// What it is, and how much it takes.
    pub(super) rows: Vec<(&'static str, f64)>,
}

pub(super) fn measure(server: &Path, held: u32) -> Result<Memory> {
    let clients = held.min(MAX_CLIENTS);
    let key = || Credential::access_key(eventgrid::KEY);
    let origin = "http://127.0.0.1:9";
    let namespace = NamespaceClient::new(origin, key())?;
    let rows = vec![
        ("one call in flight, raw reqwest", raw_calls(&Server::start(server)?.origin(), held)?),
        ("one call in flight, eventgrid-namespaces", calls(&Server::start(server)?.origin(), held)?),
        ("one more sender of a namespace client", each(held, || Ok(namespace.sender("orders")))?),
        ("one sender of its own", each(clients, || Ok(Sender::new(origin, "orders", key())?))?),
        ("one client of Web PubSub", each(clients, || webpubsub::ours::client(origin))?),
        ("one client of raw reqwest", each(clients, raw::client)?),
        ("one connected WebSocket client, idle", idle(&Server::start(server)?, held)?),
    ];
    Ok(Memory { rows })
}

/// The memory of one of so many values, after the first one, which may bring what all of them share.
fn each<T>(count: u32, make: impl Fn() -> Result<T>) -> Result<f64> {
    let first = make()?;
    let (mut made, mut outcome) = (Vec::with_capacity(count as usize), Ok(()));
    let counted = allocation_counter::measure(|| {
        outcome = (0..count).try_for_each(|_| make().map(|one| made.push(one)));
    });
    drop((first, made));
    outcome.map(|()| kibibytes(counted.bytes_current, count))
}

fn kibibytes(bytes: i64, count: u32) -> f64 {
    bytes as f64 / 1024.0 / f64::from(count)
}

fn raw_calls(origin: &str, count: u32) -> Result<f64> {
    let client = raw::client()?;
    let url = format!("{origin}/topics/{SILENT}/eventsubscriptions/all:receive?maxEvents=1");
    waiting(origin, count, move || {
        let request = client.post(&url).header("authorization", "k").header("user-agent", "u");
        let request = request.header("x-ms-client-request-id", "i");
        async move { Ok(request.send().await.map(drop)?) }
    })
}

fn calls(origin: &str, count: u32) -> Result<f64> {
    let receiver = Receiver::new(origin, SILENT, "all", Credential::access_key(eventgrid::KEY))?;
    waiting(origin, count, move || {
        let receive = receiver.receive().max_events(1);
        async move { Ok(receive.await.map(drop)?) }
    })
}

/// The memory of one of so many calls that have been sent and get no response.
fn waiting<F>(origin: &str, count: u32, call: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let runtime = load::runtime()?;
    let count = count.min(MAX_CALLS);
    let (probe, url) = (raw::client()?, format!("{origin}{HELD}"));
    // The probe's own connection exists before.
    runtime.block_on(held(&probe, &url))?;
    let mut calls = JoinSet::new();
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| {
        outcome = runtime.block_on(async {
            for _ in 0..count {
                calls.spawn(call());
            }
            while held(&probe, &url).await? < count {
                if let Some(ended) = calls.try_join_next() {
                    return Err(format!("a call was not held: {ended:?}").into());
                }
            }
            Ok(())
        });
    });
    outcome.map(|()| kibibytes(counted.bytes_current, count))
}

/// How many requests the server holds.
async fn held(probe: &reqwest::Client, url: &str) -> Result<u32> {
    Ok(probe.get(url).send().await?.text().await?.parse()?)
}

/// The memory of one of so many idle WebSocket clients.
fn idle(server: &Server, count: u32) -> Result<f64> {
    let runtime = load::runtime()?;
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| {
        outcome = runtime.block_on(webpubsub_client::connected(server, count)).map(std::mem::forget);
    });
    outcome.map(|()| kibibytes(counted.bytes_current, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_one_does_not_include_what_all_share() {
        let shared = std::cell::OnceCell::new();
        let one = each(10, || {
            shared.get_or_init(|| vec![0_u8; 1 << 20]);
            Ok(vec![0_u8; 2048])
        });
        assert_eq!(one.unwrap(), 2.0);
    }
}
