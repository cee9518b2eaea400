//! Handlers that are faster than one long poll: several polls run, and only as many and as long as they help.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventgrid_namespaces::{Clock, CloudEvent, Context, ProcessorBuilder};
use tokio::sync::Notify;

use super::broker::{Broker, Fault, each, event, run};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const ROOM: usize = 1_000;

fn broker(events: usize) -> (Broker, ProcessorBuilder) {
    let broker = Broker::with(events);
    broker.state().round_trip = MILLISECOND * 30;
    let builder = broker.processor().concurrency(64).prefetch(ROOM - 64);
    (broker, builder)
}

/// Returns when so many polls are in flight.
async fn until_polls(broker: &Broker, polls: usize) {
    while broker.state().polls < polls {
        assert!(broker.clock.elapsed() < SECOND * 9, "{} polls at most", broker.state().max_polls);
        tokio::task::yield_now().await;
    }
}

/// Handles all events, each for a millisecond. Returns how many per second.
async fn rate(broker: &Broker, builder: ProcessorBuilder, events: usize) -> f64 {
    let (clock, started) = (broker.clock.clone(), broker.clock.elapsed());
    let handler = move |_: CloudEvent, _: Context| {
        let clock = clock.clone();
        async move { clock.sleep(MILLISECOND).await }
    };
    run(builder.handler(handler), broker.until_settled(events)).await.unwrap();
    assert_eq!((broker.settled(), broker.notices().len()), (each("acknowledge", 0..events), 0));
    events as f64 / (broker.clock.elapsed() - started).as_secs_f64()
}

#[tokio::test]
async fn starved_handlers_get_events_from_several_polls_and_no_more_are_held_than_allowed() {
    let (broker, builder) = broker(16_000);
    let rate = rate(&broker, builder, 16_000).await;
    let state = broker.state();
    println!("{rate:.0} events per second with {} polls", state.max_polls);
    assert!(rate >= 8_000.0, "{rate:.0} events per second with {} polls", state.max_polls);
    assert!((2..=8).contains(&state.max_polls) && state.max_locked <= ROOM, "{state:?}");
    let settle_calls = state.calls.iter().filter(|(_, verb, _)| verb == "acknowledge").count();
    assert!(settle_calls < 16_000 / 25, "{settle_calls} settle calls");
}

#[tokio::test]
async fn the_number_of_polls_can_be_limited() {
    let (broker, builder) = broker(6_000);
    let rate = rate(&broker, builder.max_receive_calls(1), 6_000).await;
    assert!((2_000.0..3_500.0).contains(&rate), "{rate:.0} events per second");
    assert_eq!(broker.state().max_polls, 1);
}

#[tokio::test]
async fn handlers_that_are_not_starved_get_one_poll() {
    let broker = Broker::with(300);
    let clock = broker.clock.clone();
    let handler = move |_: CloudEvent, _: Context| {
        let clock = clock.clone();
        async move { clock.sleep(SECOND).await }
    };
    // 20 events a second, and 80 wait.
    let builder = broker.processor().concurrency(20).prefetch(80);
    run(builder.handler(handler), broker.until_settled(300)).await.unwrap();
    assert_eq!(broker.state().max_polls, 1);
}

#[tokio::test]
async fn an_idle_processor_returns_to_one_poll() {
    let (broker, builder) = broker(4_000);
    let later = broker.clone();
    let stop = async move {
        later.until_settled(4_000).await;
        let busy = later.state().max_polls;
        later.until(70).await;
        let idle = later.state().polls;
        assert!(busy > 1 && idle == 1, "{busy} polls, later {idle}");
        // An event now and then does not change that.
        later.state().max_polls = 0;
        for id in 0..10 {
            later.until(70 + 7 * id).await;
            later.publish(&event(4_000));
        }
        assert_eq!(later.state().max_polls, 1);
    };
    run(builder.handler(async |_: CloudEvent, _: Context| {}), stop).await.unwrap();
}

#[tokio::test]
async fn polls_that_fail_together_are_one_failure() {
    let (broker, builder) = broker(4_000);
    let later = broker.clone();
    let stop = async move {
        until_polls(&later, 4).await;
        let polls = later.state().polls;
        (0..polls + 1).for_each(|_| {
            later.fault("receive", Fault::Status(500));
        });
        later.until_settled(4_000).await;
    };
    run(builder.handler(async |_: CloudEvent, _: Context| {}), stop).await.unwrap();
    assert_eq!(broker.settled(), each("acknowledge", 0..4_000));
    // The first pause is a second, and the second one is two seconds, regardless of how many polls failed at a time.
    let elapsed = broker.clock.elapsed();
    assert!(elapsed < SECOND * 5, "{elapsed:?} {:?}", broker.notices());
    assert!(broker.notices().len() >= 2 && !broker.notices().iter().any(|notice| notice.contains("in 4.0s")));
}

#[tokio::test]
async fn a_shutdown_releases_the_events_of_all_polls_in_flight() {
    let (broker, builder) = broker(4_000);
    let (clock, slow) = (broker.clock.clone(), Arc::new(AtomicBool::new(false)));
    let (started, is_slow) = (Arc::new(Notify::new()), Arc::clone(&slow));
    let begun = Arc::clone(&started);
    let handler = move |_: CloudEvent, _: Context| {
        let (clock, slow) = (clock.clone(), is_slow.load(Ordering::SeqCst));
        if slow {
            begun.notify_one();
        }
        async move { clock.sleep(if slow { SECOND } else { MILLISECOND }).await }
    };
    let later = broker.clone();
    let stop = async move {
        until_polls(&later, 3).await;
        slow.store(true, Ordering::SeqCst);
        started.notified().await;
        assert!(later.state().polls > 1, "one poll brought the event, and others are in flight");
    };
    run(builder.handler(handler), stop).await.unwrap();
    assert_eq!((broker.locked(), broker.notices().len()), (0, 0));
    let settled = broker.settled();
    let released = settled.iter().filter(|line| line.starts_with("release")).count();
    assert!(released >= 100, "{released}");
    let ids: BTreeSet<_> = settled.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(ids.len(), settled.len(), "each event is settled once");
}
