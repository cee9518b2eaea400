//! Publishes every event until the service has accepted it, under an id that stays the same.

use std::ops::Range;
use std::time::Duration;

use eventgrid_namespaces::{CloudEvent, Credential, EventBatch, NamespaceClient, RetryOptions, Sender};
use serde_json::json;
use service_core::{BoxError, Clock, SystemClock};
use service_emulator::Emulator;
use tokio::task::JoinSet;

use super::{Namespace, SUBSCRIPTION, TOPIC};

const PUBLISHERS: u32 = 4;
const BATCH: u32 = 100;
/// More than this many events do not wait in the broker.
const BACKLOG: usize = 20_000;

/// Publishes all events.
pub(super) async fn run(namespace: &Namespace, emulator: &Emulator) -> Result<(), BoxError> {
    let retry = RetryOptions::default()
        .initial_backoff(Duration::from_millis(5))
        .max_backoff(Duration::from_millis(200));
    let client = NamespaceClient::builder(&namespace.endpoint, Credential::access_key(namespace.key.clone()));
    let sender = client.retry(retry).build()?.sender(TOPIC);
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let (namespace, sender, broker) = (namespace.clone(), sender.clone(), emulator.eventgrid());
        publishers.spawn(async move {
            let clock = SystemClock::new();
            let batches = (0..namespace.options.events).step_by(BATCH as usize);
            for first in batches.skip(publisher as usize).step_by(PUBLISHERS as usize) {
                while broker.waiting(TOPIC, SUBSCRIPTION) > BACKLOG {
                    clock.sleep(Duration::from_millis(5)).await;
                }
                let events = first..(first + BATCH).min(namespace.options.events);
                publish(&namespace, &sender, &clock, events).await?;
            }
            Ok::<_, BoxError>(())
        });
    }
    while let Some(publisher) = publishers.join_next().await {
        publisher??;
    }
    Ok(())
}

async fn publish(
    namespace: &Namespace,
    sender: &Sender,
    clock: &SystemClock,
    events: Range<u32>,
) -> Result<(), BoxError> {
    let mut batch = EventBatch::new();
    for event in events.clone() {
        let data = json!({ "number": event, "text": "a parcel that goes from here to there" });
        batch.try_add(
            CloudEvent::builder("/soak", "soak.order")
                .id(format!("order-{event}"))
                .data_json(&data)
                .build()?,
        )?;
    }
    loop {
        match sender.send_batch(batch.clone()).await {
            Ok(()) => break,
            // The service may have accepted it; the same ids once more are the same events.
            Err(error) if error.is_invalid_input() => return Err(error.into()),
            Err(_) => clock.sleep(Duration::from_millis(20)).await,
        }
    }
    namespace.ledger.published(events.len());
    Ok(())
}
