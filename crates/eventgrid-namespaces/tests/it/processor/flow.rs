//! From the long poll to the settlement: what handlers decide, how many events are held, and how many calls are made.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventgrid_namespaces::{BoxError, Clock, CloudEvent, Context, ReleaseDelay, Settlement};

use super::broker::{Broker, each, event, run};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn nothing_is_settled_before_its_handler_has_returned() {
    let broker = Broker::with(20);
    let (clock, seen) = (broker.clock.clone(), broker.clone());
    let processor = broker.processor().handler(move |event: CloudEvent, context: Context| {
        let (clock, seen) = (clock.clone(), seen.clone());
        async move {
            assert_eq!(context.delivery_count(), 1);
            clock.sleep(SECOND * 3).await;
            assert!(!seen.settled().iter().any(|line| line.ends_with(&format!(" {}", event.id()))));
        }
    });
    run(processor, broker.until_settled(20)).await.unwrap();
    assert_eq!((broker.settled(), broker.notices().len()), (each("acknowledge", 0..20), 0));
}

#[tokio::test]
async fn each_handler_decides_the_settlement_of_its_own_event() {
    async fn handle(event: CloudEvent, _: Context) -> Result<Settlement, BoxError> {
        Ok(match event.id() {
            "0" => Settlement::Acknowledge,
            "1" => Settlement::Reject,
            "2" => Settlement::Release(ReleaseDelay::S3600),
            "3" => return Err("no database".into()),
            _ => panic!("planned"),
        })
    }
    let broker = Broker::with(5);
    let processor = broker.processor().handler(handle);
    run(processor, broker.until_settled(5)).await.unwrap();
    let expected = ["acknowledge 0", "reject 1", "release 2 3600", "release 3 10", "release 4 10"];
    assert_eq!(broker.settled(), expected);
    let mut notices = broker.notices();
    notices.sort();
    assert_eq!(
        notices,
        [
            r#"the handler of event "3" from "/t" (delivery 1) failed: no database"#,
            r#"the handler of event "4" from "/t" (delivery 1) panicked: planned"#,
        ]
    );
}

#[tokio::test]
async fn the_settlement_after_a_failure_can_be_chosen() {
    let broker = Broker::with(2);
    let builder = broker.processor().failure_settlement(Settlement::Reject);
    let processor = builder.handler(|event: CloudEvent, _| async move {
        if event.id() == "0" { Err::<(), _>("no") } else { panic!("planned {}", event.id()) }
    });
    run(processor, broker.until_settled(2)).await.unwrap();
    assert_eq!(broker.settled(), each("reject", 0..2));
    assert!(broker.notices().iter().any(|notice| notice.ends_with("panicked: planned 1")));
}

#[tokio::test]
async fn no_more_events_are_handled_or_held_than_allowed_and_only_one_poll_runs() {
    for (concurrency, prefetch) in [(1, 0), (3, 2), (8, 40)] {
        let broker = Broker::with(120);
        let (running, max) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (clock, peak) = (broker.clock.clone(), Arc::clone(&max));
        let builder = broker.processor().concurrency(concurrency).prefetch(prefetch);
        let processor = builder.handler(move |_: CloudEvent, _| {
            let (clock, running, peak) = (clock.clone(), Arc::clone(&running), Arc::clone(&peak));
            async move {
                peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                clock.sleep(SECOND).await;
                running.fetch_sub(1, Ordering::SeqCst);
            }
        });
        run(processor, broker.until_settled(120)).await.unwrap();
        let (state, room) = (broker.state(), concurrency + prefetch);
        assert_eq!((max.load(Ordering::SeqCst), state.max_locked), (concurrency, room));
        assert_eq!(state.max_polls, 1);
        let asked = state.calls.iter().filter(|(_, verb, _)| verb == "receive").map(|(_, _, max)| *max);
        assert!(asked.max().unwrap() <= room);
    }
}

#[tokio::test]
async fn a_poll_waits_for_events_while_handlers_run() {
    let broker = Broker::with(1);
    let (clock, handled) = (broker.clock.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&handled);
    let processor = broker.processor().handler(move |event: CloudEvent, _| {
        let (clock, log) = (clock.clone(), Arc::clone(&log));
        async move {
            log.lock().unwrap().push((event.id().to_owned(), clock.elapsed().as_secs()));
            clock.sleep(SECOND * 30).await;
        }
    });
    let later = broker.clone();
    let stop = async move {
        later.until(5).await;
        later.publish(&event(1));
        later.until_settled(2).await;
    };
    run(processor, stop).await.unwrap();
    assert_eq!(*handled.lock().unwrap(), [("0".to_owned(), 0), ("1".to_owned(), 5)]);
}

#[tokio::test]
async fn settlements_are_sent_together_in_few_calls() {
    let broker = Broker::with(1000);
    let builder = broker.processor().concurrency(200).prefetch(200);
    let processor = builder.handler(|_: CloudEvent, _| async {});
    run(processor, broker.until_settled(1000)).await.unwrap();
    assert_eq!(broker.settled(), each("acknowledge", 0..1000));
    let calls = broker.times("acknowledge").len();
    assert!(calls <= 20, "{calls} calls");
    assert!(broker.state().calls.iter().all(|(_, _, size)| *size <= 100));
}

#[tokio::test]
async fn a_single_settlement_waits_for_others_only_while_others_are_handled() {
    let broker = Broker::with(2);
    let clock = broker.clock.clone();
    let builder = broker.processor().settle_interval(SECOND * 2);
    let processor = builder.handler(move |event: CloudEvent, _| {
        let clock = clock.clone();
        async move { clock.sleep(if event.id() == "0" { SECOND } else { SECOND * 10 }).await }
    });
    run(processor, broker.until_settled(2)).await.unwrap();
    assert_eq!(broker.times("acknowledge"), [3.0, 10.0]);
}

#[tokio::test]
async fn a_settlement_that_blocks_the_next_event_is_sent_immediately() {
    let broker = Broker::with(3);
    let clock = broker.clock.clone();
    let builder = broker.processor().concurrency(2).prefetch(0).settle_interval(SECOND * 5);
    let processor = builder.handler(move |event: CloudEvent, _| {
        let clock = clock.clone();
        async move { clock.sleep(if event.id() == "0" { SECOND } else { SECOND * 20 }).await }
    });
    run(processor, broker.until_settled(3)).await.unwrap();
    assert_eq!(broker.times("acknowledge"), [1.0, 20.0, 21.0]);
}

#[tokio::test]
async fn settings_out_of_their_bounds_are_named() {
    let new = || Broker::new().processor();
    for (builder, rule) in [
        (new().concurrency(0), r#"concurrency must be 1 to 10,000, got "0""#),
        (new().prefetch(10_001), "prefetch must be 0 to 10,000"),
        (new().max_receive_calls(0), r#"max receive calls must be 1 to 32, got "0""#),
        (new().max_receive_calls(33), "max receive calls must be"),
        (new().lock_duration(SECOND * 59), "lock duration must be 60 s to 300 s"),
        (new().lock_duration(SECOND * 301), r#"got "301s""#),
        (new().max_wait_time(SECOND * 121), "max wait time must be"),
        (new().settle_interval(SECOND * 11), "settle interval must be"),
        (new().max_deliveries(3), "max deliveries requires `on_poison`"),
        (
            Broker::new()
                .processor_of("2023-11-01")
                .failure_settlement(Settlement::Release(ReleaseDelay::S10)),
            r#"is not supported by the client's api-version, got "2023-11-01""#,
        ),
    ] {
        let error = builder.handler(|_: CloudEvent, _| async {}).unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
    }
}
