//! Sender and receiver as a user has them.

use std::sync::Arc;

use eventgrid_namespaces::{CloudEvent, Credential, EventBatch, Receiver, Sender};

use super::wire::{EVENTS, Order, all};
use super::{SOURCE, TYPE};
use crate::Result;

/// A sender and a receiver with default settings.
#[derive(Clone)]
pub(crate) struct Clients {
    sender: Sender,
    receiver: Receiver,
    orders: Arc<[Order]>,
}

impl Clients {
    pub(crate) fn new(origin: &str, key: &str) -> Result<Self> {
        Ok(Self {
            sender: Sender::new(origin, "orders", Credential::access_key(key))?,
            receiver: Receiver::new(origin, "orders", "billing", Credential::access_key(key))?,
            orders: (0..EVENTS as u32).map(Order::new).collect(),
        })
    }

    /// The same clients, whose batches have these orders.
    pub(crate) fn with_orders(self, orders: Vec<Order>) -> Self {
        Self { orders: orders.into(), ..self }
    }

    /// Publishes a batch whose events are written straight into it.
    pub(crate) async fn publish(self) -> Result<()> {
        let mut batch = EventBatch::new();
        for order in &*self.orders {
            batch.try_add_json(SOURCE, TYPE, order)?;
        }
        Ok(self.sender.send_batch(batch).await?)
    }

    /// Publishes a batch of events that are built first.
    pub(crate) async fn publish_built(self) -> Result<()> {
        let mut batch = EventBatch::new();
        for order in &*self.orders {
            let event = CloudEvent::builder(SOURCE, TYPE).data_json(order);
            batch.try_add(event.build()?)?;
        }
        Ok(self.sender.send_batch(batch).await?)
    }

    /// Receives a page of events and acknowledges all of them.
    pub(crate) async fn receive(self) -> Result<()> {
        let events = self.receiver.receive().max_events(EVENTS).await?;
        if let Some(unreadable) = events.iter().find_map(|received| received.event.as_ref().err()) {
            return Err(format!("an event cannot be read: {}", unreadable.reason()).into());
        }
        let settled =
            self.receiver.acknowledge(events.into_iter().map(|received| received.lock_token)).await?;
        all(settled.into_result()?.len())
    }
}
