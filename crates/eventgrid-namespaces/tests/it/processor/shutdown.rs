//! The end of a run: handlers may finish, waiting events are released, and no task remains.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventgrid_namespaces::{Clock, CloudEvent, Handler};
use service_core::testing::ManualClock;

use super::broker::{Broker, Fault, each, event, run};

const SECOND: Duration = Duration::from_secs(1);

/// A handler that takes this many seconds. The counter reports how many are running.
fn slow(clock: &ManualClock, seconds: u32) -> (Arc<AtomicUsize>, impl Handler<CloudEvent> + use<>) {
    struct Running(Arc<AtomicUsize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let (count, clock) = (Arc::new(AtomicUsize::new(0)), clock.clone());
    let running = Arc::clone(&count);
    let handler = move |_: CloudEvent, _| {
        running.fetch_add(1, Ordering::SeqCst);
        let (clock, running) = (clock.clone(), Running(Arc::clone(&running)));
        async move {
            clock.sleep(SECOND * seconds).await;
            drop(running);
        }
    };
    (count, handler)
}

#[tokio::test]
async fn handlers_may_finish_and_waiting_events_are_released_immediately() {
    let broker = Broker::with(10);
    let (_, handler) = slow(&broker.clock, 20);
    let builder = broker.processor().concurrency(2).prefetch(4);
    run(builder.handler(handler), broker.until(5)).await.unwrap();
    assert_eq!(broker.clock.elapsed(), SECOND * 20);
    let settled = broker.settled();
    assert_eq!(settled[..2], each("acknowledge", 0..2));
    assert_eq!(settled[2..], ["release 2 0", "release 3 0", "release 4 0", "release 5 0"]);
    assert!(broker.times("release")[0] < 5.2, "{:?}", broker.times("release"));
    assert_eq!((broker.locked(), broker.notices().len()), (0, 0));
}

#[tokio::test]
async fn handlers_that_exceed_the_timeout_are_aborted_and_their_events_released() {
    let broker = Broker::with(2);
    let (running, handler) = slow(&broker.clock, 3600);
    run(broker.processor().shutdown_timeout(SECOND * 9).handler(handler), broker.until(5)).await.unwrap();
    assert_eq!(
        (broker.settled(), running.load(Ordering::SeqCst)),
        (each("release", 0..2).into_iter().map(|line| line + " 0").collect(), 0)
    );
    assert_eq!(broker.clock.elapsed(), SECOND * 14);
    assert!(broker.notices().iter().all(|notice| notice.ends_with("was aborted at the shutdown timeout")));
    assert_eq!(broker.notices().len(), 2);
}

#[tokio::test]
async fn a_service_that_does_not_respond_does_not_block_the_shutdown() {
    let broker = Broker::with(1);
    let (_, handler) = slow(&broker.clock, 1);
    broker.fault("acknowledge", Fault::Late(SECOND * 3600));
    run(broker.processor().shutdown_timeout(SECOND * 9).handler(handler), broker.until(5)).await.unwrap();
    assert_eq!(broker.clock.elapsed(), SECOND * 19, "the timeout and the five seconds after it");
    assert_eq!(broker.notices(), [r#"event "0" from "/t" (delivery 1) was left unsettled"#]);
}

#[tokio::test]
async fn an_idle_processor_stops_immediately() {
    let broker = Broker::new();
    let (_, handler) = slow(&broker.clock, 1);
    run(broker.processor().handler(handler), broker.until(5)).await.unwrap();
    assert_eq!(broker.clock.elapsed(), SECOND * 5);
}

#[tokio::test]
async fn events_of_a_poll_that_ends_after_the_stop_are_released() {
    let broker = Broker::with(1);
    let (_, handler) = slow(&broker.clock, 20);
    let later = broker.clone();
    let stop = async move {
        later.until(5).await;
        later.publish(&event(1));
    };
    run(broker.processor().handler(handler), stop).await.unwrap();
    assert_eq!(broker.settled(), ["acknowledge 0", "release 1 0"]);
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_no_task_behind() {
    let broker = Broker::with(3);
    let (running, handler) = slow(&broker.clock, 3600);
    let processor = broker.processor().handler(handler).unwrap();
    let stop = broker.until(5);
    tokio::spawn(async move {
        tokio::select! {
            _ = processor.run() => {}
            () = stop => {}
        }
    })
    .await
    .unwrap();
    // The tasks are aborted. Each ends when it is polled next.
    while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_processor_can_run_again() {
    let broker = Broker::with(1);
    let handled = Arc::new(Mutex::new(0));
    let log = Arc::clone(&handled);
    let processor = broker.processor().handler(move |_: CloudEvent, _| {
        *log.lock().unwrap() += 1;
        async {}
    });
    let processor = processor.unwrap();
    run(Ok(processor.clone()), broker.until_settled(1)).await.unwrap();
    broker.publish(&event(1));
    run(Ok(processor), broker.until_settled(2)).await.unwrap();
    assert_eq!(*handled.lock().unwrap(), 2);
}
