//! The number of connections that calls may use at the same time. Long polls and upgrades have their own allowance, so that
//! no short call ever waits behind them.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::health::{Health, Protocol};

/// The slots of one client.
#[derive(Debug)]
pub(super) struct Slots {
    calls: Semaphore,
    long: Semaphore,
}

/// The right to use a connection.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    /// `None` if the call shares its connection with other calls.
    _permit: Option<SemaphorePermit<'a>>,
}

impl Slots {
    pub(super) fn new(connections: usize) -> Self {
        let slots = || Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS));
        Self { calls: slots(), long: slots() }
    }

    /// Waits until the call may use a connection.
    pub(super) async fn take(&self, health: &Health, long: bool) -> Slot<'_> {
        if health.protocol() == Protocol::Http2 {
            return Slot { _permit: None };
        }
        let slots = if long { &self.long } else { &self.calls };
        if let Ok(slot) = slots.try_acquire() {
            return Slot { _permit: Some(slot) };
        }
        // Neither semaphore is ever closed.
        let permit = async { slots.acquire().await.ok() };
        let shared = async {
            health.until_shared().await;
            None
        };
        Slot { _permit: first(permit, shared).await }
    }
}

/// The output of whichever future completes first.
async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        std::task::Poll::Pending => other.as_mut().poll(context),
        ready => ready,
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn long_polls_never_take_a_slot_of_short_calls() {
        let (slots, health) = (Slots::new(1), Health::new(Protocol::Http1));
        let _poll = slots.take(&health, true).await;
        assert!(slots.take(&health, false).await._permit.is_some());
    }

    #[tokio::test]
    async fn a_call_waits_for_a_slot_and_no_longer_once_connections_are_shared() {
        let (slots, health) = (Arc::new(Slots::new(1)), Arc::new(Health::new(Protocol::Unknown)));
        let held = slots.take(&health, false).await;
        let waiting = tokio::spawn({
            let (slots, health) = (Arc::clone(&slots), Arc::clone(&health));
            async move { slots.take(&health, false).await._permit.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        health.connected(Protocol::Http2);
        assert!(!waiting.await.unwrap(), "it needs no slot any more");
        drop(held);
    }
}
