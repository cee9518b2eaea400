//! The locks of held events: renewed in time, for as long as the service allows, and what happens when one is lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventgrid_namespaces::{Clock, CloudEvent, Context, Handler, ProcessorBuilder};
use service_core::testing::ManualClock;

use super::broker::{Broker, Fault, each, run};

const SECOND: Duration = Duration::from_secs(1);

/// A handler that takes this long and logs when its lock was lost and that it completed.
fn slow(clock: &ManualClock, seconds: u64) -> (Arc<Mutex<Vec<String>>>, impl Handler<CloudEvent> + use<>) {
    let (observed, clock) = (Arc::new(Mutex::new(Vec::new())), clock.clone());
    let log = Arc::clone(&observed);
    let handler = move |_: CloudEvent, context: Context| {
        let (clock, log) = (clock.clone(), Arc::clone(&log));
        async move {
            assert!(!context.is_lock_lost());
            let work = clock.sleep(SECOND * u32::try_from(seconds).unwrap());
            let watch = async {
                context.lock_lost().await;
                log.lock().unwrap().push(format!("lost at {}", clock.elapsed().as_secs()));
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = work => {}
                () = watch => {}
            }
            log.lock().unwrap().push(format!("ended, lost: {}", context.is_lock_lost()));
        }
    };
    (observed, handler)
}

async fn handle_one(broker: &Broker, builder: ProcessorBuilder, seconds: u64) -> Vec<String> {
    let (observed, handler) = slow(&broker.clock, seconds);
    let stop = broker.until(seconds + 1);
    run(builder.concurrency(1).prefetch(0).handler(handler), stop).await.unwrap();
    observed.lock().unwrap().clone()
}

#[tokio::test]
async fn a_lock_is_renewed_after_two_thirds_for_as_long_as_its_event_is_held() {
    let broker = Broker::with(1);
    let observed = handle_one(&broker, broker.processor(), 590).await;
    assert_eq!(observed, ["ended, lost: false"]);
    assert_eq!(broker.times("renewLock"), (1..15).map(|time| f64::from(time * 40)).collect::<Vec<_>>());
    assert_eq!((broker.settled(), broker.notices().len()), (each("acknowledge", [0]), 0));
}

#[tokio::test]
async fn a_longer_lock_is_renewed_less_often() {
    let broker = Broker::with(1);
    // The broker's locks last one minute, so the first renewal is too late for them.
    handle_one(&broker, broker.processor().lock_duration(SECOND * 300), 199).await;
    assert!(broker.times("renewLock").is_empty());
}

#[tokio::test]
async fn events_that_wait_for_a_handler_keep_their_locks_in_one_call() {
    let broker = Broker::with(6);
    let (_, handler) = slow(&broker.clock, 100);
    let builder = broker.processor().concurrency(1).prefetch(5);
    run(builder.handler(handler), broker.until_settled(6)).await.unwrap();
    assert_eq!((broker.settled(), broker.notices().len()), (each("acknowledge", 0..6), 0));
    let state = broker.state();
    let renewed: Vec<_> =
        state.calls.iter().filter(|(_, verb, _)| verb == "renewLock").map(|(_, _, size)| *size).collect();
    assert_eq!(renewed[..3], [6, 6, 5]);
}

#[tokio::test]
async fn after_an_hour_the_lock_is_no_longer_renewed_and_its_loss_is_reported() {
    let broker = Broker::with(1);
    let observed = handle_one(&broker, broker.processor(), 7200).await;
    // The handler keeps running. Only the service decides whether its settlement takes effect.
    assert_eq!(observed[..2], ["lost at 3650", "ended, lost: true"]);
    assert_eq!(*broker.times("renewLock").iter().rfind(|at| **at < 3650.0).unwrap(), 3590.0);
    let notices = broker.notices();
    assert_eq!(
        notices[0],
        r#"the lock of event "0" from "/t" (delivery 1) was lost while it was being handled"#
    );
    assert_eq!(
        notices[1],
        r#"event "0" from "/t" (delivery 1) was not settled (Acknowledge): TokenLost: no"#
    );
}

#[tokio::test]
async fn a_lock_that_the_service_has_lost_is_reported_immediately() {
    let broker = Broker::with(1);
    broker.fault("renewLock", Fault::Code("TokenLost"));
    let observed = handle_one(&broker, broker.processor(), 50).await;
    assert_eq!(observed, ["lost at 40", "ended, lost: true"]);
}

#[tokio::test]
async fn an_event_whose_lock_is_lost_before_it_was_handled_is_dropped() {
    let broker = Broker::with(2);
    broker.fault("renewLock", Fault::Code("TokenLost"));
    let (observed, handler) = slow(&broker.clock, 50);
    let builder = broker.processor().concurrency(1).prefetch(1);
    run(builder.handler(handler), broker.until(55)).await.unwrap();
    assert_eq!(observed.lock().unwrap().len(), 2, "one handler, which was notified and has completed");
    let before = r#"the lock of event "1" from "/t" (delivery 1) was lost before it was handled"#;
    assert!(broker.notices().iter().any(|notice| notice == before), "{:?}", broker.notices());
}

#[tokio::test]
async fn a_failed_renewal_is_retried_until_the_lock_expires() {
    let broker = Broker::with(1);
    broker.fault("renewLock", Fault::Status(503)).fault("renewLock", Fault::Code("InternalServerError"));
    let observed = handle_one(&broker, broker.processor(), 80).await;
    assert_eq!(
        (observed, broker.times("renewLock")),
        (vec!["ended, lost: false".to_owned()], vec![40.0, 50.0, 55.0])
    );
    assert!(broker.notices()[0].starts_with("could not renew the locks of 1 event: "));
    let broker = Broker::with(1);
    (0..9).for_each(|_| {
        broker.fault("renewLock", Fault::Status(403));
    });
    let observed = handle_one(&broker, broker.processor(), 80).await;
    assert_eq!(observed, ["lost at 60", "ended, lost: true"]);
}

#[tokio::test]
async fn a_rejected_renewal_that_a_settle_call_overtook_is_ignored() {
    let broker = Broker::with(1);
    // The rejection of the renewal arrives while the acknowledgement is in flight, whose response arrives even later.
    broker.fault("renewLock", Fault::LateCode(SECOND * 5, "TokenLost"));
    broker.fault("acknowledge", Fault::Late(SECOND * 10));
    let observed = handle_one(&broker, broker.processor(), 42).await;
    assert_eq!(
        (observed, broker.settled()),
        (vec!["ended, lost: false".to_owned()], each("acknowledge", [0]))
    );
    assert!(broker.notices().is_empty(), "{:?}", broker.notices());
}

#[tokio::test]
async fn an_api_version_without_renewal_lets_locks_expire() {
    let broker = Broker::with(1);
    let observed = handle_one(&broker, broker.processor_of("2023-11-01"), 80).await;
    assert_eq!(
        (observed, broker.times("renewLock").len()),
        (vec!["lost at 60".to_owned(), "ended, lost: true".to_owned()], 0)
    );
}
