//! Handlers that are faster than one long poll: several polls run, and only as many and as long as they help.

use std::time::Duration;

use eventgrid_namespaces::{Clock, CloudEvent, Context, ProcessorBuilder};

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
    let (broker, builder) = broker(24_000);
    let rate = rate(&broker, builder, 24_000).await;
    let state = broker.state();
    assert!(rate >= 8_000.0, "{rate:.0} events per second with {} polls", state.max_polls);
    assert!((2..=8).contains(&state.max_polls) && state.max_locked <= ROOM, "{state:?}");
    let settle_calls = state.calls.iter().filter(|(_, verb, _)| verb == "acknowledge").count();
    assert!(settle_calls < 24_000 / 25, "{settle_calls} settle calls");
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
        while later.state().max_polls < 4 {
            tokio::task::yield_now().await;
        }
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
async fn a_shutdown_loses_no_event_of_the_polls_in_flight() {
    let (broker, builder) = broker(4_000);
    let clock = broker.clock.clone();
    let handler = move |_: CloudEvent, _: Context| {
        let clock = clock.clone();
        async move { clock.sleep(MILLISECOND * 200).await }
    };
    let later = broker.clone();
    let stop = async move {
        while later.state().polls < 3 {
            tokio::task::yield_now().await;
        }
    };
    run(builder.handler(handler), stop).await.unwrap();
    assert_eq!(broker.locked(), 0);
    assert!(broker.settled().iter().any(|line| line.starts_with("release")));
    assert!(broker.settled().len() <= ROOM, "each once");
}
