//! A service that throttles or rejects: `Retry-After` values of any size, settle calls that take long or never succeed, and a
//! shutdown at an awkward moment.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventgrid_namespaces::{Clock, CloudEvent, Processor, ProcessorBuilder, ReleaseDelay, Settlement};

use super::broker::{Broker, Fault, run};
use crate::common::{namespace_builder, receiver};

const SECOND: Duration = Duration::from_secs(1);

async fn nothing(_: CloudEvent, _: eventgrid_namespaces::Context) {}

/// A processor whose client has the default retry settings.
fn with_default_retries(broker: &Broker) -> ProcessorBuilder {
    let builder = namespace_builder();
    let builder = builder.transport(Arc::new(broker.clone())).clock(Arc::new(broker.clock.clone()));
    Processor::builder(receiver(builder))
}

#[tokio::test]
async fn a_shutdown_without_a_timeout_waits_for_its_handlers() {
    let broker = Broker::with(1);
    let stop = broker.until(5);
    run(broker.processor().shutdown_timeout(Duration::MAX).handler(nothing), stop).await.unwrap();
    assert_eq!(broker.locked(), 0);
}

#[tokio::test]
async fn an_absurd_retry_after_neither_breaks_nor_silences_the_processor() {
    let broker = Broker::new();
    let later = broker.clone();
    tokio::spawn(async move {
        later.until(5).await;
        later.fault("receive", Fault::Throttled(u64::MAX));
    });
    run(broker.processor().handler(nothing), broker.until(3_000)).await.unwrap();
    let times = broker.times("receive");
    assert!(times.last().unwrap() > &600.0, "{times:?}");
}

#[tokio::test]
async fn events_that_arrive_at_the_moment_of_a_shutdown_are_released() {
    let broker = Broker::with(3);
    let seen = broker.clone();
    let stop = async move {
        while seen.locked() == 0 {
            tokio::task::yield_now().await;
        }
    };
    run(broker.processor().handler(nothing), stop).await.unwrap();
    assert_eq!(broker.locked(), 0, "{:?}", broker.settled());
}

#[tokio::test]
async fn a_lock_is_renewed_while_its_settle_call_is_throttled() {
    let broker = Broker::with(1);
    for _ in 0..3 {
        broker.fault("acknowledge", Fault::Throttled(15));
    }
    let (clock, handled) = (broker.clock.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&handled);
    let handler = move |_: CloudEvent, _| {
        let clock = clock.clone();
        count.fetch_add(1, Ordering::SeqCst);
        async move { clock.sleep(SECOND * 35).await }
    };
    run(with_default_retries(&broker).handler(handler), broker.until(300)).await.unwrap();
    assert_eq!((handled.load(Ordering::SeqCst), broker.locked()), (1, 0), "{:?}", broker.times("renewLock"));
    assert!(broker.times("renewLock").len() > 1);
}

#[tokio::test]
async fn a_throttled_settle_call_waits_for_as_long_as_the_service_asks() {
    let broker = Broker::with(1);
    broker.fault("acknowledge", Fault::Throttled(20));
    run(broker.processor().handler(nothing), broker.until(60)).await.unwrap();
    let times = broker.times("acknowledge");
    assert!(times[1] - times[0] >= 20.0, "{times:?}");
}

#[tokio::test]
async fn a_token_that_is_lost_after_a_failure_of_the_service_may_be_settled() {
    let broker = Broker::with(1);
    broker.fault("acknowledge", Fault::Status(504)).fault("acknowledge", Fault::Code("TokenLost"));
    run(broker.processor().handler(nothing), broker.until(60)).await.unwrap();
    let notices = broker.notices();
    assert!(notices.iter().any(|notice| notice.contains("unless an earlier")), "{notices:?}");
}

#[tokio::test]
async fn a_settlement_that_the_service_rejects_does_not_block_the_next_events() {
    let broker = Broker::with(3);
    for _ in 0..5_000 {
        broker.fault("release", Fault::Status(400));
    }
    let (clock, started) = (broker.clock.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&started);
    let handler = move |event: CloudEvent, _| {
        log.lock().unwrap().push((event.id().to_owned(), clock.elapsed().as_secs()));
        async move {
            if event.id() == "0" {
                Settlement::Release(ReleaseDelay::Other(7))
            } else {
                Settlement::Acknowledge
            }
        }
    };
    run(broker.processor().concurrency(1).prefetch(0).handler(handler), broker.until(50)).await.unwrap();
    let started = started.lock().unwrap();
    assert!(started.iter().any(|(id, at)| id == "2" && *at < 40), "{started:?}");
    assert!(!broker.notices().is_empty(), "and the failure is reported");
}

#[tokio::test]
async fn after_an_immediate_response_without_events_the_next_poll_waits() {
    let broker = Broker::new();
    for _ in 0..1_000 {
        broker.fault("receive", Fault::Empty);
    }
    run(broker.processor().handler(nothing), broker.until(10)).await.unwrap();
    let polls = broker.times("receive").len();
    assert!((5..=12).contains(&polls), "{polls} polls in 10 s");
}
