//! The processors: each runs for a while, shuts down or is dropped, and is restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eventgrid_namespaces::{
    BoxError, CloudEvent, Context, Credential, NamespaceClient, Processor, Receiver, ReleaseDelay,
    RetryOptions, Settlement,
};
use service_core::{Clock, SystemClock, timeout};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Namespace, SUBSCRIPTION, TOPIC, draw, number};

/// How many of a thousand handlers fail, return an error or panic in equal parts.
const FAILURES: u64 = 30;
/// How many of a thousand handlers are slow.
const SLOW: u64 = 5;
/// One in so many events is acknowledged too early, if that is planted.
const PLANTED: u32 = 50;

/// Processors at work.
pub(super) struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<(), BoxError>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    restarts: AtomicU32,
    kills: AtomicU32,
    gone: AtomicU32,
}

impl Workers {
    /// Whether all of them are at work still.
    pub(super) fn check(&self) -> Result<(), BoxError> {
        if self.counts.gone.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        Err("a processor has given up".into())
    }

    /// Ends them in good order; says how many were restarted and killed before.
    pub(super) async fn stop(mut self) -> Result<(u32, u32), BoxError> {
        self.stop.send_replace(true);
        while let Some(task) = self.tasks.join_next().await {
            task??;
        }
        let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
        Ok((of(&self.counts.restarts), of(&self.counts.kills)))
    }
}

/// Starts them.
pub(super) fn start(namespace: &Namespace) -> Workers {
    let (stop, stopped) = watch::channel(false);
    let counts = Arc::new(Counts::default());
    let mut tasks = JoinSet::new();
    for worker in 0..namespace.options.processors {
        let (namespace, stopped, counts) = (namespace.clone(), stopped.clone(), Arc::clone(&counts));
        tasks.spawn(async move {
            let outcome = work(&namespace, worker, stopped, &counts).await;
            if outcome.is_err() {
                counts.gone.fetch_add(1, Ordering::Relaxed);
            }
            outcome
        });
    }
    Workers { stop, tasks, counts }
}

async fn work(
    namespace: &Namespace,
    worker: u32,
    mut stopped: watch::Receiver<bool>,
    counts: &Counts,
) -> Result<(), BoxError> {
    let clock = SystemClock::new();
    let mut random = fastrand::Rng::with_seed(namespace.options.seed ^ u64::from(worker));
    loop {
        let processor = processor(namespace)?;
        let life = Duration::from_millis(random.u64(200..3_000));
        let killed = random.u8(..3) == 0;
        let mut stopping = stopped.clone();
        let whole = async {
            // The sender is alive as long as the workers are.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        if killed {
            if let Some(ended) = timeout(&clock, life, processor.run_until(whole)).await {
                return Ok(ended?);
            }
            counts.kills.fetch_add(1, Ordering::Relaxed);
        } else {
            let until = async {
                timeout(&clock, life, whole).await;
            };
            processor.run_until(until).await?;
            if *stopped.borrow_and_update() {
                return Ok(());
            }
            counts.restarts.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn processor(namespace: &Namespace) -> Result<Processor, BoxError> {
    let retry = RetryOptions::default()
        .initial_backoff(Duration::from_millis(5))
        .max_backoff(Duration::from_millis(200));
    let credential = Credential::access_key(namespace.key.clone());
    let receiver = NamespaceClient::builder(&namespace.endpoint, credential)
        .retry(retry)
        .build()?
        .receiver(TOPIC, SUBSCRIPTION);
    let (namespace, settler) = (namespace.clone(), receiver.clone());
    let handle =
        move |event: CloudEvent, context: Context| handle(namespace.clone(), settler.clone(), event, context);
    let builder = Processor::builder(receiver)
        .concurrency(64)
        .prefetch(136)
        .settle_interval(Duration::from_millis(20))
        .failure_settlement(Settlement::Release(ReleaseDelay::None));
    Ok(builder.handler(handle)?)
}

async fn handle(
    namespace: Namespace,
    settler: Receiver,
    event: CloudEvent,
    context: Context,
) -> Result<Settlement, BoxError> {
    let (event, token) = (number(Some(event.id())), &context.delivery().lock_token);
    let deliveries = &namespace.ledger.deliveries;
    if namespace.options.plant && event % PLANTED == 1 {
        // It may fail, as any call may.
        drop(settler.acknowledge([token]).await);
    }
    let turn = namespace.ledger.begun(event);
    let drawn = draw(namespace.options.seed, event, turn) % 1_000;
    if drawn < SLOW {
        SystemClock::new().sleep(Duration::from_millis(50)).await;
    }
    let fails = namespace.ledger.is_poison(event) || (SLOW..SLOW + FAILURES).contains(&drawn);
    if !fails {
        namespace.ledger.done(event);
        deliveries.ended(token, true);
        return Ok(Settlement::Acknowledge);
    }
    namespace.ledger.failed();
    deliveries.ended(token, false);
    match drawn % 3 {
        0 => Err("the handler fails".into()),
        1 => std::panic::resume_unwind(Box::new("the handler panics")),
        _ => Ok(Settlement::Release(ReleaseDelay::None)),
    }
}
