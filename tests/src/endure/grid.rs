//! Event Grid: a publisher, and processors that are stopped, dropped, and restarted.

use std::sync::Arc;
use std::time::Duration;

use eventgrid_namespaces::{
    CloudEvent, Context, Credential, EventBatch, NamespaceClient, Processor, Receiver, ReleaseDelay, Sender,
    Settlement,
};
use serde_json::json;
use service_core::{BoxError, Clock, timeout};
use tokio::task::JoinSet;

use super::events::{Events, Published};
use super::{PULL, Phase, Plant, Shared, TOPIC, retry};

const PROCESSORS: u64 = 2;
const BATCH: usize = 10;
const INTERVAL: Duration = Duration::from_millis(100);
/// More than this many events are not open.
const BACKLOG: usize = 2_000;
/// How many of a thousand handlers fail, return an error, panic, or release in equal parts.
const FAILURES: u64 = 30;
/// How many of a thousand handlers are slow.
const SLOW: u64 = 10;

pub(super) fn start(shared: &Arc<Shared>, parts: &mut JoinSet<Result<(), BoxError>>) -> Result<(), BoxError> {
    let client = client(shared)?;
    let sender = client.sender(TOPIC);
    shared.watch.calls(move || client.stats().calls_in_flight);
    parts.spawn(publish(sender, Arc::clone(shared)));
    for worker in 0..PROCESSORS {
        parts.spawn(work(worker, Arc::clone(shared)));
    }
    Ok(())
}

fn client(shared: &Shared) -> Result<NamespaceClient, BoxError> {
    let credential = Credential::access_key(shared.service.eventgrid_key.clone());
    let endpoint = format!("http://{}", shared.requests.address());
    Ok(NamespaceClient::builder(&endpoint, credential).clock(shared.clock.clone()).retry(retry()).build()?)
}

/// Publishes batches. Each attempt has ids of its own, so that the outcome of each is known or reported as unknown.
async fn publish(sender: Sender, shared: Arc<Shared>) -> Result<(), BoxError> {
    while shared.is(Phase::Trouble) {
        if shared.events.open() < BACKLOG {
            let numbers: Vec<_> = (0..BATCH).map(|_| shared.events.sending()).collect();
            let mut batch = EventBatch::new();
            for number in &numbers {
                batch.try_add(event(*number)?)?;
            }
            // At most once: by default, a publish is repeated with the same ids if its outcome is unknown.
            let outcome = match sender.send_batch(batch).idempotent(false).await {
                Ok(()) => Published::Accepted,
                Err(error) if error.may_have_acted() => Published::Unknown,
                // Rejected, or not sent.
                Err(_) => Published::NotStored,
            };
            for number in numbers {
                shared.events.sent(number, outcome, shared.clock.elapsed());
            }
        }
        shared.pause(INTERVAL).await;
    }
    Ok(())
}

fn event(number: u64) -> Result<CloudEvent, BoxError> {
    let data = json!({ "number": number, "text": "a parcel that goes from here to there" });
    Ok(CloudEvent::builder("/endure", "endure.order").id(format!("e-{number}")).data_json(&data).build()?)
}

/// The number of an event, from its id.
pub(super) fn number(id: &str) -> Option<u64> {
    id.strip_prefix("e-")?.parse().ok()
}

/// Whether the handler of this delivery fails.
pub(super) fn fails(shared: &Shared, number: u64, delivery: u32, part: u64) -> bool {
    drawn(shared, number, delivery, part) < FAILURES
}

fn drawn(shared: &Shared, number: u64, delivery: u32, part: u64) -> u64 {
    shared.random((number << 16) ^ (u64::from(delivery) << 4) ^ part).u64(..1_000)
}

/// Runs processors, one after the other.
async fn work(worker: u64, shared: Arc<Shared>) -> Result<(), BoxError> {
    let mut random = shared.random(100 + worker);
    while !shared.is(Phase::Over) {
        let processor = processor(&shared)?;
        shared.watch.processor(worker, &processor);
        let life = Duration::from_millis(random.u64(1_000..10_000));
        if random.u8(..3) == 0 {
            // Dropped while it handles events, unless the run is over before.
            let running = processor.run_until(shared.pause(Duration::MAX));
            let Some(ended) = timeout(&*shared.clock, life, running).await else { continue };
            ended?;
        } else {
            let until = async {
                shared.pause(life).await;
                shared.events.stopping(shared.clock.elapsed());
            };
            processor.run_until(until).await?;
        }
    }
    Ok(())
}

fn processor(shared: &Arc<Shared>) -> Result<Processor, BoxError> {
    let receiver = client(shared)?.receiver(TOPIC, PULL);
    let (shared, settler) = (Arc::clone(shared), receiver.clone());
    let handle = move |event: CloudEvent, context: Context| {
        let (shared, settler) = (Arc::clone(&shared), settler.clone());
        async move { handle(&shared, &settler, &event, &context).await }
    };
    let builder = Processor::builder(receiver)
        .concurrency(16)
        .prefetch(32)
        .max_wait_time(Duration::from_secs(10))
        .settle_interval(Duration::from_millis(20))
        .failure_settlement(Settlement::Release(ReleaseDelay::None));
    Ok(builder.handler(handle)?)
}

/// Handles an event. Some handlers are slow, and some fail.
async fn handle(
    shared: &Shared,
    settler: &Receiver,
    event: &CloudEvent,
    context: &Context,
) -> Result<Settlement, BoxError> {
    let number = number(event.id()).ok_or("an event that no publisher sent")?;
    let token = &context.delivery().lock_token;
    if shared.plants(Plant::Loss, number) {
        // It may fail, as any call may.
        drop(settler.acknowledge([token]).await);
    }
    let drawn = drawn(shared, number, context.delivery_count(), 0);
    let wait = if (FAILURES..FAILURES + SLOW).contains(&drawn) { 300 } else { drawn % 8 };
    shared.clock.sleep(Duration::from_millis(wait)).await;
    let succeeds = !Events::is_poison(number) && drawn >= FAILURES;
    shared.events.pulled(token, succeeds, shared.clock.elapsed());
    if succeeds {
        return Ok(Settlement::Acknowledge);
    }
    match drawn % 3 {
        0 => Err("the handler fails".into()),
        1 => std::panic::resume_unwind(Box::new("the handler panics")),
        _ => Ok(Settlement::Release(ReleaseDelay::None)),
    }
}
