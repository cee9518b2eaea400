//! The load that every contender is put under, so that none is driven in a way that suits it better.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::Result;

/// How many requests are in flight over the network.
pub const LANES: u32 = 32;

/// The runtime of every contender: one thread, so that the CPU time is that of the work and not of threads that look for it.
///
/// # Errors
///
/// A system that gives no event queue.
pub fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// One request after the other.
///
/// # Errors
///
/// The first request that fails.
pub async fn one_by_one<F>(requests: u32, mut send: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    for _ in 0..requests {
        send().await?;
    }
    Ok(())
}

/// `lanes` tasks, or as many as there are requests, each of which sends one request after the other; together at least
/// `requests`.
///
/// # Errors
///
/// The first request that fails.
pub async fn in_flight<F>(
    lanes: u32,
    requests: u32,
    send: impl Fn() -> F + Clone + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let lanes = lanes.min(requests).max(1);
    let mut tasks = JoinSet::new();
    for _ in 0..lanes {
        tasks.spawn(one_by_one(requests.div_ceil(lanes), send.clone()));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// A contender's turn under load: so many calls of `send`, with the client that it needs.
pub fn turn<'a, C, F>(
    runtime: &'a Runtime,
    client: C,
    send: fn(C) -> F,
) -> impl FnMut(u32) -> Result<()> + use<'a, C, F>
where
    C: Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    turn_with(runtime, LANES, client, send)
}

/// A contender's turn with this many calls in flight.
pub fn turn_with<'a, C, F>(
    runtime: &'a Runtime,
    lanes: u32,
    client: C,
    send: fn(C) -> F,
) -> impl FnMut(u32) -> Result<()> + use<'a, C, F>
where
    C: Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    move |requests| {
        let client = client.clone();
        runtime.block_on(in_flight(lanes, requests, move || send(client.clone())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Barrier;

    use super::*;

    #[test]
    fn as_many_requests_are_in_flight_as_there_are_lanes() {
        // No task passes the barrier until all four have arrived.
        let (barrier, sent) = (Arc::new(Barrier::new(4)), Arc::new(AtomicU32::new(0)));
        let send = {
            let sent = Arc::clone(&sent);
            move || {
                let (barrier, sent) = (Arc::clone(&barrier), Arc::clone(&sent));
                async move {
                    barrier.wait().await;
                    sent.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
            }
        };
        runtime().unwrap().block_on(in_flight(4, 12, send)).unwrap();
        assert_eq!(sent.load(Ordering::Relaxed), 12);
    }

    #[test]
    fn there_are_no_more_lanes_than_requests() {
        let sent = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&sent);
        let send = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(()) }
        };
        runtime().unwrap().block_on(in_flight(2048, 3, send)).unwrap();
        assert_eq!(sent.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_request_that_fails_is_not_swallowed() {
        let send = || async { Err("rejected".into()) };
        let error = runtime().unwrap().block_on(in_flight(2, 2, send)).unwrap_err();
        assert_eq!(error.to_string(), "rejected");
    }
}
