//! A worker: the process that runs one processor until SIGTERM.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use eventgrid_namespaces::{
    BoxError, CloudEvent, Context, Credential, NamespaceClient, Processor, Receiver, ReleaseDelay, Settlement,
};
use lexopt::prelude::*;
use service_core::{Clock, SystemClock};

use super::reports::Reporter;
use super::{SUBSCRIPTION, TOPIC, number};

/// How many of a thousand handlers fail, return an error, panic, or release in equal parts.
const FAILURES: u64 = 30;
/// How many of a thousand handlers are slow.
const SLOW: u64 = 20;
/// One in so many events is acknowledged too early, if that is planted.
const PLANTED: u32 = 50;

/// The arguments of a worker. The key comes from the environment.
#[derive(Debug)]
struct Arguments {
    endpoint: String,
    judge: SocketAddr,
    worker: u32,
    seed: u64,
    ahead: u64,
    plant: bool,
}

fn arguments(mut parser: lexopt::Parser) -> Result<Arguments, BoxError> {
    let judge = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut arguments =
        Arguments { endpoint: String::new(), judge, worker: 0, seed: 0, ahead: 0, plant: false };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("endpoint") => arguments.endpoint = parser.value()?.parse()?,
            Long("judge") => arguments.judge = parser.value()?.parse()?,
            Long("worker") => arguments.worker = parser.value()?.parse()?,
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Long("ahead") => arguments.ahead = parser.value()?.parse()?,
            Long("plant") => arguments.plant = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(arguments)
}

/// Runs a worker with the arguments that the supervisor gives it.
///
/// # Errors
///
/// Fails if the arguments are invalid, the judge cannot be reached, or the processor ends with an error.
pub async fn run(parser: lexopt::Parser) -> Result<(), BoxError> {
    // Handlers panic on purpose.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments = arguments(parser)?;
    let reporter = Reporter::connect(arguments.judge, arguments.worker).await?;
    let credential = Credential::access_key(std::env::var("FLEET_KEY")?);
    let clock = Ahead(SystemClock::new(), Duration::from_secs(arguments.ahead));
    let receiver = NamespaceClient::builder(&arguments.endpoint, credential)
        .clock(Arc::new(clock))
        .build()?
        .receiver(TOPIC, SUBSCRIPTION);
    let worker =
        Worker { reporter, receiver: receiver.clone(), seed: arguments.seed, plant: arguments.plant };
    let handle = move |event: CloudEvent, context: Context| handle(worker.clone(), event, context);
    let builder = Processor::builder(receiver).concurrency(32).prefetch(168);
    let builder = builder.failure_settlement(Settlement::Release(ReleaseDelay::None));
    builder.handler(handle)?.run_until(terminated()?).await?;
    Ok(())
}

#[cfg(unix)]
fn terminated() -> Result<impl Future<Output = ()>, BoxError> {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        signal.recv().await;
    })
}

#[cfg(not(unix))]
fn terminated() -> Result<impl Future<Output = ()>, BoxError> {
    Err::<std::future::Pending<()>, _>("the fleet needs SIGTERM".into())
}

#[derive(Clone)]
struct Worker {
    reporter: Reporter,
    receiver: Receiver,
    seed: u64,
    plant: bool,
}

async fn handle(worker: Worker, event: CloudEvent, context: Context) -> Result<Settlement, BoxError> {
    let (event, token) = (number(event.id()), &context.delivery().lock_token);
    drop(worker.reporter.report("begun", token));
    if worker.plant && event % PLANTED == 1 {
        drop(worker.receiver.acknowledge([token]).await?);
    }
    let seed = worker.seed ^ (u64::from(event) << 8) ^ u64::from(context.delivery_count());
    let drawn = fastrand::Rng::with_seed(seed).u64(..) % 1_000;
    let clock = SystemClock::new();
    clock.sleep(Duration::from_millis(if drawn < SLOW { 500 } else { 1 + drawn % 8 })).await;
    if !(SLOW..SLOW + FAILURES).contains(&drawn) {
        worker.reporter.report("succeeded", token).await?;
        return Ok(Settlement::Acknowledge);
    }
    worker.reporter.report("failed", token).await?;
    match drawn % 3 {
        0 => Err("the handler fails".into()),
        1 => std::panic::resume_unwind(Box::new("the handler panics")),
        _ => Ok(Settlement::Release(ReleaseDelay::None)),
    }
}

/// A clock whose time of day is wrong.
#[derive(Debug)]
struct Ahead(SystemClock, Duration);

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        self.0.now() + self.1
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        self.0.sleep(wait).await;
    }
}
