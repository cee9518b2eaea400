//! Failures of the service: which are transient, how long they are retried, and which end the run.

use std::time::Duration;

use eventgrid_namespaces::{CloudEvent, Context, ReleaseDelay, Settlement};

use super::broker::{Broker, Fault, each, event, run};

const SECOND: Duration = Duration::from_secs(1);

async fn acknowledge(_: CloudEvent, _: Context) {}

#[tokio::test]
async fn failed_receives_are_retried_after_growing_pauses_and_retry_after_values() {
    let broker = Broker::with(1);
    for fault in
        [Fault::Status(500), Fault::NoResponse, Fault::Throttled(7), Fault::Status(408), Fault::Status(429)]
    {
        broker.fault("receive", fault);
    }
    run(broker.processor().handler(acknowledge), broker.until_settled(1)).await.unwrap();
    let times: Vec<_> = broker.times("receive").into_iter().take(6).collect();
    // The event of the receive without a response stays locked and is delivered again when its lock expires.
    assert_eq!(times, [0.0, 1.0, 3.0, 10.0, 18.0, 34.0]);
    assert_eq!((broker.settled(), broker.notices().len()), (each("acknowledge", [0]), 5));
    assert!(broker.notices()[2].starts_with("could not receive events; next attempt in 7.0s: "));
}

#[tokio::test]
async fn a_rejection_at_the_start_ends_the_run() {
    for status in [400, 401, 403, 404, 410] {
        let broker = Broker::with(1);
        broker.fault("receive", Fault::Status(status));
        let error = run(broker.processor().handler(acknowledge), broker.until(60)).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), broker.times("receive").len()), (status, 1));
    }
}

#[tokio::test]
async fn a_rejection_after_success_is_retried_for_five_minutes() {
    let broker = Broker::with(1);
    let later = broker.clone();
    let stop = async move {
        later.until_settled(1).await;
        (0..3).for_each(|_| {
            later.fault("receive", Fault::Status(401));
        });
        later.publish(&event(1));
        later.until_settled(2).await;
    };
    run(broker.processor().handler(acknowledge), stop).await.unwrap();
    assert_eq!(broker.settled(), each("acknowledge", 0..2));

    let broker = Broker::with(1);
    let later = broker.clone();
    let stop = async move {
        later.until_settled(1).await;
        (0..100).for_each(|_| {
            later.fault("receive", Fault::Status(404));
        });
        std::future::pending::<()>().await;
    };
    let error = run(broker.processor().handler(acknowledge), stop).await.unwrap_err();
    let rejected = broker.times("receive").len() - 2;
    assert!(error.is_not_found() && (10..20).contains(&rejected), "{rejected}");
}

#[tokio::test]
async fn held_events_are_handled_and_settled_before_a_rejection_is_returned() {
    let broker = Broker::with(1);
    let clock = broker.clock.clone();
    let handler = move |_: CloudEvent, _| {
        let clock = clock.clone();
        async move { eventgrid_namespaces::Clock::sleep(&clock, SECOND * 400).await }
    };
    let later = broker.clone();
    let stop = async move {
        later.until(1).await;
        (0..100).for_each(|_| {
            later.fault("receive", Fault::Status(403));
        });
        std::future::pending::<()>().await;
    };
    let builder = broker.processor().shutdown_timeout(SECOND * 300);
    let error = run(builder.handler(handler), stop).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 403);
    assert_eq!(broker.settled(), each("acknowledge", [0]));
}

#[tokio::test]
async fn a_failed_settle_call_is_retried_while_the_lock_is_kept() {
    let broker = Broker::with(1);
    (0..8).for_each(|_| {
        broker.fault("acknowledge", Fault::Status(503));
    });
    run(broker.processor().handler(acknowledge), broker.until_settled(1)).await.unwrap();
    let waits: Vec<_> =
        broker.times("acknowledge").windows(2).map(|pair| (pair[1] - pair[0]) as u64).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 16, 16, 16]);
    assert_eq!((broker.times("renewLock"), broker.settled()), (vec![40.0], each("acknowledge", [0])));
    assert!(broker.notices()[0].starts_with("could not settle 1 event (Acknowledge); next attempt in 1.0s"));
}

#[tokio::test]
async fn tokens_that_fail_inside_the_service_are_retried_and_no_others() {
    let broker = Broker::with(2);
    broker.fault("acknowledge", Fault::Code("InternalServerError"));
    run(broker.processor().handler(acknowledge), broker.until_settled(2)).await.unwrap();
    assert_eq!((broker.settled(), broker.times("acknowledge").len()), (each("acknowledge", 0..2), 2));
    let broker = Broker::with(1);
    broker.fault("acknowledge", Fault::Code("BadToken"));
    run(broker.processor().handler(acknowledge), broker.until(30)).await.unwrap();
    assert_eq!(broker.times("acknowledge").len(), 1);
    assert!(broker.notices()[0].ends_with("was not settled (Acknowledge): BadToken: no"));
}

#[tokio::test]
async fn a_token_consumed_by_a_call_without_a_response_is_reported_as_maybe_settled() {
    let broker = Broker::with(1);
    broker.fault("acknowledge", Fault::NoResponse);
    run(broker.processor().handler(acknowledge), broker.until(5)).await.unwrap();
    assert_eq!((broker.settled(), broker.times("acknowledge").len()), (each("acknowledge", [0]), 2));
    let observed = broker.notices().pop().unwrap();
    assert!(
        observed.ends_with("(Acknowledge), unless an earlier attempt settled it: TokenLost: no"),
        "{observed}"
    );
}

#[tokio::test]
async fn a_delay_that_the_api_version_does_not_support_is_a_failure_of_the_handler() {
    let broker = Broker::with(1);
    let handler = |_: CloudEvent, _| async { Settlement::Release(ReleaseDelay::S10) };
    run(broker.processor_of("2023-11-01").handler(handler), broker.until_settled(1)).await.unwrap();
    assert_eq!(broker.settled(), ["release 0"]);
    assert!(broker.notices()[0].contains("release delay is not supported"), "{:?}", broker.notices());
}
